from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trainables.cohorts import Cohort, describe_data, load_cohort, split_cohort
from trainables.cohorts.sample import PEOPLE, sample_people

Make = Callable[..., Cohort]


def _people(cohort: Cohort, label: int) -> set[str]:
    return {cohort.groups[row] for row in np.flatnonzero(cohort.labels == label)}


def test_people_keep_their_rows_and_classes_their_shares(make_cohort: Make) -> None:
    groups = tuple(f"g{row // 2:03d}" for row in range(400))
    cohort = make_cohort(400, groups=groups, labels=(np.arange(400) // 2 % 4 == 0).astype(int))
    small = sample_people(cohort, 0)
    assert len(set(small.groups)) == PEOPLE
    assert len(small) == 2 * PEOPLE
    assert len(_people(small, 1)) == PEOPLE // 4
    assert small.notes == ("120 people were left out: data.scale is small",)
    rows = [cohort.subjects.index(subject) for subject in small.subjects]
    assert rows == sorted(rows)
    for name in ("labels", "images", "image_present", "numeric", "categorical"):
        np.testing.assert_array_equal(getattr(small, name), getattr(cohort, name)[rows])


def test_a_function_of_the_seed(make_cohort: Make) -> None:
    cohort = make_cohort(200)
    first, other = sample_people(cohort, 0), sample_people(cohort, 1)
    assert sample_people(cohort, 0) is first
    assert sample_people(make_cohort(200), 0).fingerprint == first.fingerprint
    assert other.subjects != first.subjects
    assert first.fingerprint not in {cohort.fingerprint, other.fingerprint}


@pytest.mark.parametrize("rare", [0, 1])
@pytest.mark.parametrize("count", [81, 100, 5000])
def test_a_rare_class_stays(make_cohort: Make, rare: int, count: int) -> None:
    labels = np.full(count, 1 - rare)
    labels[3] = rare
    images = np.zeros((count, 0, 1, 1), dtype=np.float32)
    small = sample_people(make_cohort(count, labels=labels, images=images, planes=()), 0)
    assert len(small) == PEOPLE
    assert np.bincount(small.labels)[rare] == 1


def test_few_people_or_one_class_are_no_obstacle(make_cohort: Make) -> None:
    few = make_cohort(PEOPLE)
    assert sample_people(few, 0) is few
    for label in (0, 1):
        assert len(sample_people(make_cohort(200, labels=np.full(200, label)), 0)) == PEOPLE


def test_the_data_section_asks_for_it() -> None:
    data: dict[str, Any] = {"subjects": 90, "image_size": 16}
    small = load_cohort(data | {"scale": "small"})
    assert load_cohort(data | {"scale": "small"}) is small
    assert len(small) == PEOPLE
    assert set(small.subjects) < set(load_cohort(data).subjects)
    assert load_cohort(data | {"scale": "full"}).fingerprint == load_cohort(data).fingerprint
    described = describe_data(data | {"scale": "small"})
    assert described["people"] == PEOPLE
    assert described["classes"] == {"0": 40, "1": 40}
    assert described["notes"] == ["10 people were left out: data.scale is small"]
    split = split_cohort(small, data, 0)
    assert len(split.train) + len(split.validation) + len(split.test) == PEOPLE


def test_the_real_folder(real_oasis: Path) -> None:
    small = load_cohort({"cohort": "oasis1", "root": str(real_oasis), "scale": "small"})
    assert small.images.shape == (PEOPLE, 1, 96, 96)
    assert np.bincount(small.labels).tolist() == [40, 40]
