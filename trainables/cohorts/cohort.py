"""What every cohort is once it has been read: arrays of one row a scan, checked and fingerprinted.

Not a reader (oasis1.py, synthetic_ad.py) and not a model input: values stand in their own units,
and missing ones are marked, until preprocessing.py has been fitted on a training side.

Shapes: N rows, P planes, S pixels a side, F numeric and C categorical columns.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from joulefront.trial import DataError

MODALITIES = ("image", "numeric", "categorical")
_ARRAYS = ("labels", "images", "image_present", "numeric", "categorical")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Cohort:
    """Scans of people with a binary label; all arrays are made read-only.

    Raises:
        DataError: Rows are not unique, shapes disagree, or a value is outside what is said below.
    """

    name: str  # registry name
    subjects: tuple[str, ...]  # (N,) unique ids of the rows
    groups: tuple[str, ...]  # (N,) the person behind each row, whose rows no split may part
    labels: NDArray[np.int64]  # (N,) 1 = impaired, 0 = not
    images: NDArray[np.float32]  # (N, P, S, S) in [0, 1]; zeros where absent
    image_present: NDArray[np.bool_]  # (N,)
    planes: tuple[str, ...]  # (P,) of "axial", "coronal", "sagittal"
    numeric: NDArray[np.float64]  # (N, F) in the column's own unit; NaN = missing
    numeric_names: tuple[str, ...]  # (F,)
    categorical: NDArray[np.int64]  # (N, C) index into the column's levels; -1 = missing
    categorical_names: tuple[str, ...]  # (C,)
    categorical_levels: tuple[tuple[str, ...], ...]  # (C,) the levels of each column
    notes: tuple[str, ...] = ()  # what the reader left out, one sentence each
    fingerprint: str = field(init=False)  # SHA-256, hexadecimal, of all of the above but the notes

    def __post_init__(self) -> None:
        self._check()
        names = (self.name, self.subjects, self.groups, self.planes)
        columns = (self.numeric_names, self.categorical_names, self.categorical_levels)
        digest = hashlib.sha256(repr((*names, *columns)).encode())
        for name in _ARRAYS:
            array = getattr(self, name)
            array.setflags(write=False)
            digest.update(f"{array.dtype.str}{array.shape}".encode())
            digest.update(np.ascontiguousarray(array).data)
        object.__setattr__(self, "fingerprint", digest.hexdigest())

    def __len__(self) -> int:
        return len(self.subjects)

    def with_inputs(self, modalities: Sequence[str]) -> Cohort:
        """The same rows and labels with only these of `MODALITIES`; the others have no columns."""
        changes: dict[str, Any] = {}
        if "image" not in modalities:
            absent = np.zeros_like(self.image_present)
            changes = {"images": self.images[:, :0].copy(), "image_present": absent, "planes": ()}
        for kind in {"numeric", "categorical"} - set(modalities):
            changes |= {kind: getattr(self, kind)[:, :0].copy(), f"{kind}_names": ()}
        if "categorical" not in modalities:
            changes["categorical_levels"] = ()
        return replace(self, **changes) if changes else self

    def _check(self) -> None:
        rows, side, columns = len(self), self.images.shape[-1], len(self.categorical_names)
        shapes = {
            "groups": ((len(self.groups),), (rows,)),
            "labels": (self.labels.shape, (rows,)),
            "images": (self.images.shape, (rows, len(self.planes), side, side)),
            "image_present": (self.image_present.shape, (rows,)),
            "numeric": (self.numeric.shape, (rows, len(self.numeric_names))),
            "categorical": (self.categorical.shape, (rows, columns)),
            "categorical_levels": ((len(self.categorical_levels),), (columns,)),
        }
        for name, (found, expected) in shapes.items():
            if found != expected:
                raise DataError(f"{name} of a cohort must have shape {expected}", given=f"{found}")
        levels = np.array([len(levels) for levels in self.categorical_levels], dtype=np.int64)
        rules = {
            "every row of a cohort must have its own id": len(set(self.subjects)) == rows,
            "labels must be 0 or 1": np.isin(self.labels, (0, 1)).all(),
            "pixels must be in [0, 1]": ((self.images >= 0) & (self.images <= 1)).all(),
            "numeric columns must be finite, or NaN where missing": ~np.isinf(self.numeric).any(),
            "categorical columns must index their levels, or be -1": (
                (self.categorical >= -1) & (self.categorical < levels)
            ).all(),
        }
        for must, holds in rules.items():
            if not holds:
                raise DataError(must, given=f"another value in cohort {self.name}")
