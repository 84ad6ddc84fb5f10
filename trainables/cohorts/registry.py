"""The cohorts by name; one more is one file with a `CohortReader`, a line here, a test file."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from .cohort import Cohort

if TYPE_CHECKING:
    from .options import DataOptions

COHORTS = {
    "oasis1": "trainables.cohorts.oasis1:READER",
    "synthetic_ad": "trainables.cohorts.synthetic_ad:READER",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class CohortReader:
    """How one cohort is read.

    Attributes:
        load: From checked options to the cohort, with all its modalities.
        stamp: Something hashable that changes when what `load` reads does.
        own_keys: Keys of `data` that this cohort has beside those common to all.
        default_planes: Planes where `data.planes` is not given.
    """

    load: Callable[[DataOptions], Cohort]
    stamp: Callable[[DataOptions], tuple[object, ...]]
    own_keys: tuple[str, ...]
    default_planes: tuple[str, ...]


def find_reader(name: str) -> CohortReader:
    """The reader of a registered cohort, imported now."""
    module, _, attribute = COHORTS[name].partition(":")
    return cast(CohortReader, getattr(importlib.import_module(module), attribute))
