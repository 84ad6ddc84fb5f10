"""Scaling and imputation, fitted on a training side only: from a cohort to model inputs.

Not augmentation and not a split. The fitted values are plain numbers (`to_dict`), so that a stored
model carries them as JSON.

Shapes: n rows, P planes, S pixels a side, F numeric and C categorical columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from joulefront.trial import DataError

from .cohort import Cohort


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inputs:
    """Rows that a model can be fed; the arrays are new and writable.

    Attributes:
        subjects: (n,) row ids.
        labels: (n,) int64.
        images: (n, P, S, S) float32, standardised by plane; zeros where absent.
        image_present: (n,) bool.
        numeric: (n, F) float32, standardised; 0 (the training mean) where missing.
        numeric_missing: (n, F) bool.
        categorical: (n, C) int64; -1 where missing.
    """

    subjects: tuple[str, ...]
    labels: NDArray[np.int64]
    images: NDArray[np.float32]
    image_present: NDArray[np.bool_]
    numeric: NDArray[np.float32]
    numeric_missing: NDArray[np.bool_]
    categorical: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """Means and standard deviations of a training side.

    A column without a single value there has mean 0 and deviation 1, a constant one deviation 1.

    Attributes:
        planes: (P,) names of the planes.
        image_mean: (P,) mean pixel of the present images.
        image_deviation: (P,) its standard deviation.
        numeric_names: (F,) column names.
        numeric_mean: (F,) mean of the values that are there.
        numeric_deviation: (F,) their standard deviation.
        categorical_names: (C,) column names.
        categorical_levels: (C,) levels, in the order of the indices.
    """

    planes: tuple[str, ...]
    image_mean: tuple[float, ...]
    image_deviation: tuple[float, ...]
    numeric_names: tuple[str, ...]
    numeric_mean: tuple[float, ...]
    numeric_deviation: tuple[float, ...]
    categorical_names: tuple[str, ...]
    categorical_levels: tuple[tuple[str, ...], ...]

    @classmethod
    def fit(cls, cohort: Cohort, rows: ArrayLike) -> Preprocessing:
        """Measure these rows and no others.

        Args:
            cohort: Where the rows are.
            rows: (n,) indices of the training side.
        """
        index = np.asarray(rows, dtype=np.int64)
        present = index[cohort.image_present[index]]
        by_plane = [_moments(cohort.images[present, plane]) for plane in range(len(cohort.planes))]
        by_column = [_moments(column) for column in cohort.numeric[index].T]
        return cls(
            planes=cohort.planes,
            image_mean=tuple(mean for mean, _ in by_plane),
            image_deviation=tuple(deviation for _, deviation in by_plane),
            numeric_names=cohort.numeric_names,
            numeric_mean=tuple(mean for mean, _ in by_column),
            numeric_deviation=tuple(deviation for _, deviation in by_column),
            categorical_names=cohort.categorical_names,
            categorical_levels=cohort.categorical_levels,
        )

    def apply(self, cohort: Cohort, rows: ArrayLike) -> Inputs:
        """Turn these rows of a cohort with the same columns into model inputs.

        Raises:
            DataError: The cohort's planes, columns or levels are not those that were fitted.
        """
        self._check(cohort)
        index = np.asarray(rows, dtype=np.int64)
        present = cohort.image_present[index].copy()
        mean = np.asarray(self.image_mean, dtype=np.float32)[:, None, None]
        deviation = np.asarray(self.image_deviation, dtype=np.float32)[:, None, None]
        images = (cohort.images[index] - mean) / deviation
        images[~present] = 0.0
        numeric = (cohort.numeric[index] - np.asarray(self.numeric_mean)) / np.asarray(
            self.numeric_deviation
        )
        missing = np.isnan(numeric)
        return Inputs(
            subjects=tuple(cohort.subjects[row] for row in index),
            labels=cohort.labels[index].copy(),
            images=images.astype(np.float32, copy=False),
            image_present=present,
            numeric=np.where(missing, 0.0, numeric).astype(np.float32),
            numeric_missing=missing,
            categorical=cohort.categorical[index].copy(),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and numbers, for JSON."""
        return {name: _listed(value) for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Preprocessing:
        """What `to_dict` gave, also after a way through JSON."""
        return cls(**{name: _tupled(value) for name, value in stored.items()})

    def _check(self, cohort: Cohort) -> None:
        for name in ("planes", "numeric_names", "categorical_names", "categorical_levels"):
            fitted, given = getattr(self, name), getattr(cohort, name)
            if fitted != given:
                raise DataError(
                    f"{name} must be those that the preprocessing was fitted on, {fitted}",
                    given=f"{given}",
                )


def _moments(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Mean and standard deviation of the values that are not NaN."""
    there = values[~np.isnan(values)]
    if not there.size:
        return 0.0, 1.0
    mean = there.mean(dtype=np.float64)
    deviation = there.std(dtype=np.float64)
    return float(mean), float(deviation) if deviation > 1e-9 * max(1.0, abs(mean)) else 1.0


def _listed(value: Any) -> Any:
    return [_listed(item) for item in value] if isinstance(value, tuple | list) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, tuple | list) else value
