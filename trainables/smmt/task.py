"""The three sides of one fold, preprocessed on the training side only and moved to the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch

from trainables.cohorts import Preprocessing, load_cohort, split_cohort
from trainables.smmt.batch import Batch, InputShape


class Side(NamedTuple):
    """One side of a split.

    Attributes:
        subjects: (n,) ids.
        batch: The same n samples.
    """

    subjects: tuple[str, ...]
    batch: Batch


class Task(NamedTuple):
    """What a trial learns from and is scored on."""

    train: Side
    validation: Side
    test: Side
    preprocessing: Preprocessing
    shape: InputShape


def load_task(data: Mapping[str, Any], fold: int, device: torch.device) -> Task:
    """Load, split and preprocess.

    Args:
        data: The study file's `data` section.
        fold: Outer fold, from 0.
        device: Where the tensors go; a whole side must fit.

    Raises:
        DataError: If the cohort cannot be read.
        SplitError: If a side cannot be scored.
    """
    cohort = load_cohort(data)
    split = split_cohort(cohort, data, fold)
    preprocessing = Preprocessing.fit(cohort, split.train)
    sides = [
        preprocessing.apply(cohort, rows) for rows in (split.train, split.validation, split.test)
    ]
    train, validation, test = (Side(side.subjects, Batch.of(side, device)) for side in sides)
    shape = InputShape.of(preprocessing, image_size=cohort.images.shape[-1])
    return Task(train, validation, test, preprocessing, shape)
