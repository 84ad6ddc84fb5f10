"""What a trial costs: counters, power models, and a pure function from the one to the other.

No Ray, no torch. Nothing here runs in the background.
"""

from __future__ import annotations

from joulefront.energy.attribution import Charge, Window, attribute, objective_joules
from joulefront.energy.counters import ProcessCounters, Reading
from joulefront.energy.emissions import emissions_grams, grid_intensity
from joulefront.energy.power import PowerModel, power_model

__all__ = [
    "Charge",
    "PowerModel",
    "ProcessCounters",
    "Reading",
    "Window",
    "attribute",
    "emissions_grams",
    "grid_intensity",
    "objective_joules",
    "power_model",
]
