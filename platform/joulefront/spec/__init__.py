"""What a study is: frozen values, the study file they are read from, and the checks of both.

Importing it loads the standard library and PyYAML, nothing else.
"""

from __future__ import annotations

from joulefront.spec.config_fields import find_config_fields
from joulefront.spec.importing import Trainable, import_trainable
from joulefront.spec.load import check_study, load_study
from joulefront.spec.sections import (
    ENERGY_METRICS,
    SAMPLERS,
    Budget,
    Energy,
    Objective,
    PerTrial,
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
    "Energy",
    "Float",
    "Int",
    "Objective",
    "Parameter",
    "PerTrial",
    "Power",
    "Replicates",
    "Search",
    "Stopping",
    "StudySpec",
    "Trainable",
    "check_study",
    "check_trainable",
    "find_config_fields",
    "import_trainable",
    "load_study",
]
