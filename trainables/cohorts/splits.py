"""Three sides of a cohort: training, validation inside the training side, the outer test fold.

Stratified by label and grouped by person. The outer folds are a pure function of the `data`
section, so every trial, seed and baseline of a study is scored on the same ones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from joulefront.trial import SplitError
from trainables.cohorts.cohort import Cohort
from trainables.cohorts.options import DataOptions

_REMEDY = "lower data.folds, or give more subjects of the rare class"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Split:
    """Row indices of one outer fold, each side sorted."""

    train: NDArray[np.int64]  # what is learnt from
    validation: NDArray[np.int64]  # what the search sees; out of the fold's training side
    test: NDArray[np.int64]  # the outer fold, scored once

    @property
    def development(self) -> NDArray[np.int64]:
        """Training and validation rows together, sorted: everything outside the test fold."""
        return np.sort(np.concatenate([self.train, self.validation]))


def split_cohort(cohort: Cohort, data: Mapping[str, Any], fold: int) -> Split:
    """Split a cohort for one outer fold.

    Args:
        cohort: The cohort that `data` describes.
        data: The study file's `data` section; folds, validation_share and split_seed are read.
        fold: Outer fold, 0 to folds - 1.

    Raises:
        SplitError: No such fold, too few people of a class, or a side with a single class.
    """
    options = DataOptions.parse(data)
    if isinstance(fold, bool) or not 0 <= fold < options.folds:
        raise SplitError(
            f"fold must be from 0 to {options.folds - 1}",
            given=f"{fold}",
            remedy="raise data.folds, or ask for fewer replicates.folds",
        )
    for label in (0, 1):
        people = {cohort.groups[row] for row in np.flatnonzero(cohort.labels == label)}
        if len(people) < options.folds:
            raise SplitError(
                f"each of {options.folds} folds must have both classes",
                given=f"{len(people)} people with label {label}",
                remedy=_REMEDY,
            )
    splitter = StratifiedGroupKFold(options.folds, shuffle=True, random_state=options.split_seed)
    folds = list(splitter.split(cohort.labels, cohort.labels, cohort.groups))
    outside, test = map(np.sort, folds[fold])
    validates = _validation(cohort, outside, options, fold)
    split = Split(train=outside[~validates], validation=outside[validates], test=test)
    check_split(cohort, split)
    return split


def check_split(cohort: Cohort, split: Split) -> None:
    """Refuse a split that would leak or could not be scored.

    Raises:
        SplitError: A row or person stands on two sides, or a side lacks one of the classes.
    """
    sides = {"training": split.train, "validation": split.validation, "test": split.test}
    seen: dict[str, str] = {}
    for side, rows in sides.items():
        people = {cohort.groups[row] for row in rows}
        for person in sorted(people & seen.keys()):
            raise SplitError(
                "a person must stand on one side of a split only",
                given=f"{person} on the {seen[person]} and the {side} side",
            )
        seen |= dict.fromkeys(people, side)
        labels = set(cohort.labels[rows].tolist())
        if labels != {0, 1}:
            raise SplitError(
                f"the {side} side must have both classes",
                given=f"{len(rows)} rows, labels {sorted(labels)}",
                remedy=_REMEDY,
            )


def _validation(
    cohort: Cohort, outside: NDArray[np.int64], options: DataOptions, fold: int
) -> NDArray[np.bool_]:
    """Which rows outside the test fold validate: a share of each class's people, at least one."""
    rng = np.random.default_rng([options.split_seed, fold + 1])
    impaired = {cohort.groups[row] for row in outside if cohort.labels[row]}
    chosen: set[str] = set()
    for people in (impaired, {cohort.groups[row] for row in outside} - impaired):
        order = rng.permutation(sorted(people))
        chosen |= set(order[: max(1, round(options.validation_share * len(order)))].tolist())
    return np.array([cohort.groups[row] in chosen for row in outside], dtype=np.bool_)
