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
from numpy.typing import NDArray

from joulefront.trial import DataError
from trainables.cohorts.cohort import Cohort


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Inputs:
    """Rows that a model can be fed; the arrays are new and writable."""

    subjects: tuple[str, ...]  # (n,) row ids
    labels: NDArray[np.int64]  # (n,)
    images: NDArray[np.float32]  # (n, P, S, S) standardised by plane; zeros where absent
    image_present: NDArray[np.bool_]  # (n,)
    numeric: NDArray[np.float32]  # (n, F) standardised; 0, the training mean, where missing
    numeric_missing: NDArray[np.bool_]  # (n, F)
    categorical: NDArray[np.int64]  # (n, C) -1 where missing


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """Means and standard deviations of a training side.

    A column without a single value there has mean 0 and deviation 1, a constant one deviation 1.
    """

    planes: tuple[str, ...]  # (P,)
    image_mean: tuple[float, ...]  # (P,) pixels of the present images
    image_deviation: tuple[float, ...]  # (P,)
    numeric_names: tuple[str, ...]  # (F,)
    numeric_mean: tuple[float, ...]  # (F,) of the values that are there
    numeric_deviation: tuple[float, ...]  # (F,)
    categorical_names: tuple[str, ...]  # (C,)
    categorical_levels: tuple[tuple[str, ...], ...]  # (C,) in the order of the indices

    @classmethod
    def fit(cls, cohort: Cohort, rows: NDArray[np.int64]) -> Preprocessing:
        """Measure these (n,) rows, indices of the training side, and no others."""
        present = rows[cohort.image_present[rows]]
        by_plane = [_moments(cohort.images[present, plane]) for plane in range(len(cohort.planes))]
        by_column = [_moments(column) for column in cohort.numeric[rows].T]
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

    def apply(self, cohort: Cohort, rows: NDArray[np.int64]) -> Inputs:
        """Turn these rows of a cohort with the same columns into model inputs.

        Raises:
            DataError: The cohort's planes, columns or levels are not those that were fitted.
        """
        for name in ("planes", "numeric_names", "categorical_names", "categorical_levels"):
            fitted, given = getattr(self, name), getattr(cohort, name)
            if fitted != given:
                raise DataError(
                    f"{name} must be those that the preprocessing was fitted on, {fitted}",
                    given=f"{given}",
                )
        present = cohort.image_present[rows]
        fitted_pixels = np.array([self.image_mean, self.image_deviation], dtype=np.float32)
        mean, deviation = fitted_pixels[..., None, None]
        images = (cohort.images[rows] - mean) / deviation
        images[~present] = 0.0
        numeric = (cohort.numeric[rows] - self.numeric_mean) / self.numeric_deviation
        missing = np.isnan(numeric)
        return Inputs(
            subjects=tuple(cohort.subjects[row] for row in rows),
            labels=cohort.labels[rows],
            images=images,
            image_present=present,
            numeric=np.where(missing, 0.0, numeric).astype(np.float32),
            numeric_missing=missing,
            categorical=cohort.categorical[rows],
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain tuples, names and numbers, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Preprocessing:
        """What `to_dict` gave, also after a way through JSON."""
        values: dict[str, Any] = {name: tuple(value) for name, value in stored.items()}
        values["categorical_levels"] = tuple(map(tuple, values["categorical_levels"]))
        return cls(**values)


def _moments(values: NDArray[np.floating[Any]]) -> tuple[float, float]:
    """Mean and standard deviation of the values that are not NaN."""
    there = values[~np.isnan(values)]
    if not there.size:
        return 0.0, 1.0
    mean = there.mean(dtype=np.float64)
    deviation = there.std(dtype=np.float64)
    return float(mean), float(deviation) if deviation > 1e-9 * max(1.0, abs(mean)) else 1.0
