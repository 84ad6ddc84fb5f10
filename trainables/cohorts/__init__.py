"""Cohorts: people with brain slices, clinical values and a binary label; splits and baselines."""

from __future__ import annotations

from trainables.cohorts.baselines import baselines
from trainables.cohorts.cohort import Cohort
from trainables.cohorts.loading import describe_data, load_cohort
from trainables.cohorts.options import COHORTS, DataOptions
from trainables.cohorts.preprocessing import Inputs, Preprocessing
from trainables.cohorts.splits import Split, check_split, split_cohort

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
