"""From a `data` section to a cohort, read once a process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from .cohort import Cohort
from .options import DataOptions
from .registry import find_reader


def load_cohort(data: Mapping[str, Any]) -> Cohort:
    """The cohort that a `data` section describes, with the modalities it asks for.

    A reused process gets the same object back as long as the section and what it reads are
    unchanged; its arrays are read-only.

    Raises:
        DataError: The section, or the cohort's files, cannot be used.
    """
    options = DataOptions.parse(data)
    return _load(options, find_reader(options.cohort).stamp(options))


@lru_cache(maxsize=2)
def _load(options: DataOptions, stamp: tuple[object, ...]) -> Cohort:
    del stamp  # part of the key only
    return find_reader(options.cohort).load(options).with_inputs(options.inputs)
