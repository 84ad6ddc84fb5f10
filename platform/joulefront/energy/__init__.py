"""What a trial costs: counters, power models, and a pure function from the one to the other.

No Ray, no torch. `HostMeter` keeps the books of a host, but samples only when it is told to.
"""

from __future__ import annotations

from joulefront.energy.attribution import AttemptCharge, Attribution, attribute
from joulefront.energy.charges import Charge, charge_attempt, charge_windows, objective_joules
from joulefront.energy.counters import ProcessCounters, Reading
from joulefront.energy.emissions import emissions_grams, grid_intensity
from joulefront.energy.host_bill import HostBill
from joulefront.energy.ledger import Observed, Registration, Row, Window
from joulefront.energy.power import PowerModel, power_model
from joulefront.energy.quality import Policy, degradations, foreign_share

__all__ = [
    "AttemptCharge",
    "Attribution",
    "Charge",
    "HostBill",
    "Observed",
    "Policy",
    "PowerModel",
    "ProcessCounters",
    "Reading",
    "Registration",
    "Row",
    "Window",
    "attribute",
    "charge_attempt",
    "charge_windows",
    "degradations",
    "emissions_grams",
    "foreign_share",
    "grid_intensity",
    "objective_joules",
    "power_model",
]
