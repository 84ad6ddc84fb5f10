"""What a study file's `data` section may say about a cohort, checked.

The platform passes the section on as it stands; here it gets its meaning. No file is read: whether
a folder exists is found out by the cohort's reader.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulefront.trial import DataError

from .cohort import MODALITIES
from .registry import COHORTS, find_reader

PLANES = ("axial", "coronal", "sagittal")
COMMON_KEYS = (
    "cohort",
    "folds",
    "image_size",
    "inputs",
    "planes",
    "split_seed",
    "validation_share",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOptions:
    """One cohort and how it is split.

    Attributes:
        cohort: Registry name.
        subjects: People to draw (synthetic_ad).
        seed: Seed of the draw (synthetic_ad).
        root: Folder of the cohort (oasis1); a relative one is taken from the current folder.
        image_size: Pixels a side of the square slices.
        planes: Slices to load, in this order.
        folds: Outer folds.
        validation_share: Share of an outer training side's people that validate, 0 to 0.5.
        split_seed: Seed of both splits.
        inputs: Modalities to use.
    """

    cohort: str = "synthetic_ad"
    subjects: int = 240
    seed: int = 0
    root: Path = Path("../shared/data/oasis1")
    image_size: int = 96
    planes: tuple[str, ...] = PLANES[:1]
    folds: int = 5
    validation_share: float = 0.2
    split_seed: int = 0
    inputs: tuple[str, ...] = MODALITIES

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> DataOptions:
        """Check a `data` section and fill in what it leaves out.

        `root` defaults to the environment variable JOULEFRONT_OASIS1, then to the folder above.

        Raises:
            DataError: An unknown cohort, a key that it does not have, a wrong type or range.
        """
        cohort = _one_of("cohort", data.get("cohort", cls().cohort), list(COHORTS))
        reader = find_reader(cohort)
        known = sorted((*COMMON_KEYS, *reader.own_keys))
        for key in data:
            if key not in known:
                raise DataError(
                    f"data of cohort {cohort} must have no keys but {', '.join(known)}",
                    given=f"data.{key}",
                    remedy=_nearest(str(key), known),
                )
        folder = os.environ.get("JOULEFRONT_OASIS1") or str(cls().root)
        share = data.get("validation_share", cls().validation_share)
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 0.5:
            raise DataError("data.validation_share must lie in (0, 0.5]", given=repr(share))
        root = data.get("root", folder)
        if not isinstance(root, str | Path) or not str(root):
            raise DataError("data.root must be a folder's path", given=repr(root))
        return cls(
            cohort=cohort,
            subjects=_integer(data, "subjects", 20, 20_000),
            seed=_integer(data, "seed", 0, 2**32 - 1),
            root=Path(root).expanduser(),
            image_size=_integer(data, "image_size", 8, 512),
            planes=_some_of("planes", data.get("planes", reader.default_planes), PLANES),
            folds=_integer(data, "folds", 2, 1000),
            validation_share=float(share),
            split_seed=_integer(data, "split_seed", 0, 2**32 - 1),
            inputs=_some_of("inputs", data.get("inputs", MODALITIES), MODALITIES),
        )


def _integer(data: Mapping[str, Any], key: str, low: int, high: int) -> int:
    value = data.get(key, getattr(DataOptions(), key))
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise DataError(f"data.{key} must be an integer from {low} to {high}", given=repr(value))
    return value


def _one_of(key: str, value: Any, allowed: Sequence[str]) -> str:
    if not isinstance(value, str) or value not in allowed:
        raise DataError(
            f"data.{key} must be one of {', '.join(allowed)}",
            given=repr(value),
            remedy=_nearest(str(value), allowed),
        )
    return value


def _some_of(key: str, values: Any, allowed: Sequence[str]) -> tuple[str, ...]:
    if isinstance(values, str) or not isinstance(values, Sequence) or not values:
        raise DataError(f"data.{key} must be a list of {', '.join(allowed)}", given=repr(values))
    names = tuple(_one_of(key, value, allowed) for value in values)
    if len(set(names)) != len(names):
        raise DataError(f"data.{key} must name each only once", given=repr(list(values)))
    return names


def _nearest(name: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else ""
