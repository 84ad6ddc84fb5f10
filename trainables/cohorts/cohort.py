"""What every cohort is once it has been read: arrays of one row a scan, checked and fingerprinted.

Not a reader (oasis1.py, synthetic_ad.py) and not a model input: values stand in their own units,
and missing ones are marked, until preprocessing.py has been fitted on a training side.

Shapes: N rows, P planes, S pixels a side, F numeric and C categorical columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from joulefront.trial import DataError

MODALITIES = ("image", "numeric", "categorical")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cohort:
    """Scans of people with a binary label; all arrays are made read-only.

    Attributes:
        name: The cohort's registry name.
        subjects: (N,) unique ids of the rows.
        groups: (N,) the person behind each row; rescans share one, and no split may part them.
        labels: (N,) int64, 1 = impaired.
        images: (N, P, S, S) float32 in [0, 1]; zeros where absent.
        image_present: (N,) bool.
        planes: (P,) of "axial", "coronal", "sagittal".
        numeric: (N, F) float64 in the column's own unit; NaN = missing.
        numeric_names: (F,) column names.
        categorical: (N, C) int64 index into the column's levels; -1 = missing.
        categorical_names: (C,) column names.
        categorical_levels: (C,) the levels of each column.
        notes: What the reader left out or a person should know, one sentence each.
        fingerprint: SHA-256 of all of the above but the notes, as hex digits; computed here.

    Raises:
        DataError: Rows are not unique, shapes disagree, or a value is outside what is said above.
    """

    name: str
    subjects: tuple[str, ...]
    groups: tuple[str, ...]
    labels: NDArray[np.int64]
    images: NDArray[np.float32]
    image_present: NDArray[np.bool_]
    planes: tuple[str, ...]
    numeric: NDArray[np.float64]
    numeric_names: tuple[str, ...]
    categorical: NDArray[np.int64]
    categorical_names: tuple[str, ...]
    categorical_levels: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    fingerprint: str = field(init=False)

    def __post_init__(self) -> None:
        _check_rows(self)
        _check_values(self)
        for array in _arrays(self):
            array.setflags(write=False)
        object.__setattr__(self, "fingerprint", _fingerprint(self))

    def __len__(self) -> int:
        return len(self.subjects)

    def with_inputs(self, modalities: Sequence[str]) -> Cohort:
        """The same rows and labels with only these of `MODALITIES`; the others have no columns."""
        images, numeric, categorical = (name in modalities for name in MODALITIES)
        if images and numeric and categorical:
            return self
        return replace(
            self,
            images=self.images if images else self.images[:, :0].copy(),
            image_present=self.image_present if images else np.zeros_like(self.image_present),
            planes=self.planes if images else (),
            numeric=self.numeric if numeric else self.numeric[:, :0].copy(),
            numeric_names=self.numeric_names if numeric else (),
            categorical=self.categorical if categorical else self.categorical[:, :0].copy(),
            categorical_names=self.categorical_names if categorical else (),
            categorical_levels=self.categorical_levels if categorical else (),
        )


def _arrays(cohort: Cohort) -> tuple[NDArray[np.generic], ...]:
    return (
        cohort.labels,
        cohort.images,
        cohort.image_present,
        cohort.numeric,
        cohort.categorical,
    )


def _check_rows(cohort: Cohort) -> None:
    rows, side = len(cohort.subjects), cohort.images.shape[-1]
    if len(set(cohort.subjects)) != rows:
        seen = sorted({name for name in cohort.subjects if cohort.subjects.count(name) > 1})
        raise DataError(
            "every row of a cohort must have its own id",
            given=f"more than one row for {', '.join(seen[:5])}",
            remedy="remove the rows that stand twice",
        )
    shapes = {
        "groups": ((len(cohort.groups),), (rows,)),
        "labels": (cohort.labels.shape, (rows,)),
        "images": (cohort.images.shape, (rows, len(cohort.planes), side, side)),
        "image_present": (cohort.image_present.shape, (rows,)),
        "numeric": (cohort.numeric.shape, (rows, len(cohort.numeric_names))),
        "categorical": (cohort.categorical.shape, (rows, len(cohort.categorical_names))),
        "categorical_levels": (
            (len(cohort.categorical_levels),),
            (len(cohort.categorical_names),),
        ),
    }
    for name, (found, expected) in shapes.items():
        if found != expected:
            raise DataError(f"{name} of a cohort must have shape {expected}", given=f"{found}")


def _check_values(cohort: Cohort) -> None:
    if not np.isin(cohort.labels, (0, 1)).all():
        raise DataError("labels must be 0 or 1", given=f"{np.unique(cohort.labels)[:5]}")
    if not (np.isfinite(cohort.images).all() and _within(cohort.images, 0.0, 1.0)):
        raise DataError("pixels must be finite and in [0, 1]")
    if np.isinf(cohort.numeric).any():
        raise DataError("numeric columns must be finite, or NaN where missing", given="inf")
    for column, levels in enumerate(cohort.categorical_levels):
        if not _within(cohort.categorical[:, column], -1, len(levels) - 1):
            raise DataError(f"{cohort.categorical_names[column]} must index its levels {levels}")


def _within(values: NDArray[np.generic], low: float, high: float) -> bool:
    return values.size == 0 or bool(values.min() >= low and values.max() <= high)


def _fingerprint(cohort: Cohort) -> str:
    digest = hashlib.sha256()
    names = (
        cohort.name,
        cohort.subjects,
        cohort.groups,
        cohort.planes,
        cohort.numeric_names,
        cohort.categorical_names,
        cohort.categorical_levels,
    )
    digest.update(repr(names).encode())
    for array in _arrays(cohort):
        digest.update(f"{array.dtype.str}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
