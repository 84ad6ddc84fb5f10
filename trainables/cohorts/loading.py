"""From a `data` section to a cohort, and to what the platform stores about it."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

from trainables.cohorts.cohort import Cohort
from trainables.cohorts.options import COHORTS, DataOptions
from trainables.cohorts.sample import sample_people


def load_cohort(data: Mapping[str, Any]) -> Cohort:
    """The cohort that a `data` section describes, with the modalities and people it asks for.

    A reused process gets the same object back as long as the section and what it reads are
    unchanged; its arrays are read-only.

    Raises:
        DataError: The section, or the cohort's files, cannot be used.
    """
    options = DataOptions.parse(data)
    module, _, attribute = COHORTS[options.cohort].partition(":")
    cohort: Cohort = getattr(importlib.import_module(module), attribute)(options)
    return sample_people(cohort, options.split_seed) if options.scale == "small" else cohort


def describe_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the cohort of a `data` section, JSON-ready: no pixels and no clinical values.

    Returns:
        fingerprint (SHA-256 of the content), subjects (row ids), people (how many persons), classes
        (label as text to rows), notes (what was left out).

    Raises:
        DataError: The section, or the cohort's files, cannot be used.
    """
    cohort = load_cohort(data)
    impaired = int(cohort.labels.sum())
    return {
        "fingerprint": cohort.fingerprint,
        "subjects": list(cohort.subjects),
        "people": len(set(cohort.groups)),
        "classes": {"0": len(cohort) - impaired, "1": impaired},
        "notes": list(cohort.notes),
    }
