"""What a study is: frozen values, the study file they are read from, and the checks of both.

Importing it loads the standard library and PyYAML, nothing else.
"""

from __future__ import annotations

from joulefront.spec.conditions import active, active_only, is_conditional, parents_first
from joulefront.spec.config_fields import find_config_fields
from joulefront.spec.constraint import Constraint
from joulefront.spec.importing import Trainable, import_trainable
from joulefront.spec.load import check_study, load_study
from joulefront.spec.sections import (
    ENERGY_METRICS,
    SAMPLERS,
    Budget,
    Energy,
    Objective,
    PerTrial,
    Plateau,
    Power,
    Replicates,
    Search,
    Stopping,
)
from joulefront.spec.space import GRID_RESOLUTION, Choice, Float, Int, Parameter
from joulefront.spec.study import StudySpec
from joulefront.spec.trainable import check_trainable

__all__ = [
    "ENERGY_METRICS",
    "GRID_RESOLUTION",
    "SAMPLERS",
    "Budget",
    "Choice",
    "Constraint",
    "Energy",
    "Float",
    "Int",
    "Objective",
    "Parameter",
    "PerTrial",
    "Plateau",
    "Power",
    "Replicates",
    "Search",
    "Stopping",
    "StudySpec",
    "Trainable",
    "active",
    "active_only",
    "check_study",
    "check_trainable",
    "find_config_fields",
    "import_trainable",
    "is_conditional",
    "load_study",
    "parents_first",
]
