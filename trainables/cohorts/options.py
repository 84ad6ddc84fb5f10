"""The cohorts by name, and what a study file's `data` section may say about them, checked.

No file is read: whether a folder exists is found out by the cohort's reader, a function from
`DataOptions` to a `Cohort`. One more is one file, its lines in `COHORTS` and `_OWN`, a test file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulefront.trial import DataError
from trainables.cohorts.cohort import MODALITIES

COHORTS = {
    "oasis1": "trainables.cohorts.oasis1:load",
    "synthetic_ad": "trainables.cohorts.synthetic_ad:load",
}
PLANES = ("axial", "coronal", "sagittal")
SCALES = ("full", "small")

_COMMON: dict[str, Any] = {
    "cohort": "synthetic_ad",
    "folds": 5,
    "image_size": 96,
    "inputs": MODALITIES,
    "scale": "full",
    "split_seed": 0,
    "validation_share": 0.2,
}
_OWN: dict[str, dict[str, Any]] = {
    "oasis1": {"planes": PLANES, "root": "../shared/data/oasis1"},
    "synthetic_ad": {"planes": PLANES[:1], "seed": 0, "subjects": 240},
}
_RANGES = {
    "folds": (2, 1000),
    "image_size": (8, 512),
    "seed": (0, 2**32 - 1),
    "split_seed": (0, 2**32 - 1),
    "subjects": (20, 20_000),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DataOptions:
    """One cohort and how it is split."""

    cohort: str  # registry name
    image_size: int  # pixels a side of the square slices
    planes: tuple[str, ...]  # slices to load, in this order
    inputs: tuple[str, ...]  # modalities to use
    folds: int  # outer folds
    validation_share: float  # of an outer training side's people, 0 to 0.5
    split_seed: int  # of both splits, and of the sample of a small scale
    scale: str  # "small": the first plane, and at most 80 people (sample.py); else "full"
    root: Path = Path()  # folder (oasis1); a relative one is taken from the current folder
    subjects: int = 0  # people to draw (synthetic_ad)
    seed: int = 0  # of the draw (synthetic_ad)

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> DataOptions:
        """Check a `data` section and fill in what it leaves out.

        The environment variable JOULEFRONT_OASIS1 stands in for `root`.

        Raises:
            DataError: An unknown cohort, a key that it does not have, a wrong type or range.
        """
        cohort = _one_of("cohort", data.get("cohort", _COMMON["cohort"]), COHORTS)
        values = _COMMON | _OWN[cohort]
        if "root" in values:
            values["root"] = os.environ.get("JOULEFRONT_OASIS1") or values["root"]
        for key in data:
            if key not in values:
                raise DataError(
                    f"data of cohort {cohort} must have no keys but {', '.join(sorted(values))}",
                    given=f"data.{key}",
                    remedy=_nearest(str(key), values),
                )
        values |= data
        for key, (low, high) in _RANGES.items():
            value = values.get(key, low)
            if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
                raise DataError(
                    f"data.{key} must be an integer from {low} to {high}", given=repr(value)
                )
        share, root = values["validation_share"], values.get("root", ".")
        if isinstance(share, bool) or not isinstance(share, int | float) or not 0 < share <= 0.5:
            raise DataError("data.validation_share must lie in (0, 0.5]", given=repr(share))
        if not isinstance(root, str | Path) or not str(root):
            raise DataError("data.root must be a folder's path", given=repr(root))
        values["root"] = Path(root).expanduser()
        values["planes"] = _some_of("planes", values["planes"], PLANES)
        if _one_of("scale", values["scale"], SCALES) == "small":
            values["planes"] = values["planes"][:1]
        values["inputs"] = _some_of("inputs", values["inputs"], MODALITIES)
        return cls(**values)


def _one_of(key: str, value: Any, allowed: Iterable[str]) -> str:
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


def _nearest(name: str, allowed: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, allowed, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else ""
