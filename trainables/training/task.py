"""What a trial learns from and is scored on: three sides, preprocessed on the training one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch

from joulefront.trial import TrialContext
from trainables.cohorts import Inputs, Preprocessing, load_cohort, split_cohort
from trainables.training.batches import Batch, nested_share
from trainables.training.config import TrainingConfig


class Fitted(Protocol):
    """What was fitted on the training side, such as `trainables.cohorts.Preprocessing`."""

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        ...


BatchT = TypeVar("BatchT", bound=Batch)
FittedT = TypeVar("FittedT", bound=Fitted)


class Side(NamedTuple, Generic[BatchT]):
    """One side of a split.

    Attributes:
        subjects: (n,) ids.
        batch: The same n samples.
    """

    subjects: tuple[str, ...]
    batch: BatchT


class Task(NamedTuple, Generic[BatchT, FittedT]):
    """The sides, and what must be kept with the model to feed it again."""

    train: Side[BatchT]
    validation: Side[BatchT]
    test: Side[BatchT]
    preprocessing: FittedT


def load_task(
    config: TrainingConfig,
    trial: TrialContext,
    make_batch: Callable[[Inputs, torch.device], BatchT],
) -> Task[BatchT, Preprocessing]:
    """Load a cohort, split it and preprocess it on the part of the training side that is used.

    Args:
        config: Its `train_share` is taken of the training side, never of the others.
        trial: Its `data`, fold, seed and device.
        make_batch: Moves a whole side to the device, where it must fit.

    Raises:
        DataError: If the cohort cannot be read.
        SplitError: If a side cannot be scored.
    """
    cohort = load_cohort(trial.data)
    split = split_cohort(cohort, trial.data, trial.fold)
    labels = torch.from_numpy(cohort.labels[split.train])
    learnt = split.train[nested_share(labels, config.train_share, trial.seed).numpy()]
    preprocessing = Preprocessing.fit(cohort, learnt)
    sides = []
    for rows in (learnt, split.validation, split.test):
        inputs = preprocessing.apply(cohort, rows)
        sides.append(Side(inputs.subjects, make_batch(inputs, torch.device(trial.device))))
    train, validation, test = sides
    return Task(train, validation, test, preprocessing)
