"""What the platform stores about a study's data: who is in, no pixels and no clinical values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .loading import load_cohort


def describe_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Describe the cohort of a `data` section, JSON-ready.

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
