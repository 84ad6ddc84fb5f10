"""Cohorts: people with brain slices, clinical values and a binary label; splits and baselines."""

from __future__ import annotations

from .baselines import baselines
from .cohort import Cohort
from .loading import describe_data, load_cohort
from .options import COHORTS, DataOptions
from .preprocessing import Inputs, Preprocessing
from .splits import Split, check_split, split_cohort

__all__ = [
    "COHORTS",
    "Cohort",
    "DataOptions",
    "Inputs",
    "Preprocessing",
    "Split",
    "baselines",
    "check_split",
    "describe_data",
    "load_cohort",
    "split_cohort",
]
