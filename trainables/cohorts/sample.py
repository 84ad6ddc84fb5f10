"""Fewer people of a cohort, for studies that are to take minutes: `data.scale: small`.

Not a split (splits.py), which goes on from what is left here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from trainables.cohorts.cohort import Cohort

PEOPLE = 80  # of a small cohort, at most


@lru_cache(maxsize=2)
def sample_people(cohort: Cohort, seed: int) -> Cohort:
    """Draw `PEOPLE` people with all their rows: the cohort's order, and its shares of the classes.

    A person with an impaired row counts as impaired; a class that is there keeps a person at least.
    A cohort of no more people is returned as it is.
    """
    impaired = {cohort.groups[row] for row in np.flatnonzero(cohort.labels)}
    others = set(cohort.groups) - impaired
    total = len(impaired) + len(others)
    if total <= PEOPLE:
        return cohort
    share = round(PEOPLE * len(impaired) / total)
    share = min(max(share, min(1, len(impaired))), PEOPLE - min(1, len(others)))
    rng = np.random.default_rng([seed, 0])  # splits.py: [seed, fold + 1]
    chosen = _draw(impaired, share, rng) | _draw(others, PEOPLE - share, rng)
    return _of_people(cohort, chosen, f"{total - PEOPLE} people were left out: data.scale is small")


def _draw(people: set[str], count: int, rng: np.random.Generator) -> set[str]:
    return set(rng.permutation(sorted(people))[:count].tolist())


def _of_people(cohort: Cohort, people: set[str], note: str) -> Cohort:
    rows: NDArray[np.int64] = np.flatnonzero([group in people for group in cohort.groups])
    return replace(
        cohort,
        subjects=tuple(cohort.subjects[row] for row in rows),
        groups=tuple(cohort.groups[row] for row in rows),
        labels=cohort.labels[rows],
        images=cohort.images[rows],
        image_present=cohort.image_present[rows],
        numeric=cohort.numeric[rows],
        categorical=cohort.categorical[rows],
        notes=(*cohort.notes, note),
    )
