from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.trial import SplitError
from trainables.cohorts import Cohort, Split, check_split, split_cohort


def _cohort(labels: list[int], groups: list[str]) -> Cohort:
    count = len(labels)
    return Cohort(
        name="made_up",
        subjects=tuple(f"{group}_{row}" for row, group in enumerate(groups)),
        groups=tuple(groups),
        labels=np.array(labels, dtype=np.int64),
        images=np.zeros((count, 0, 1, 1), dtype=np.float32),
        image_present=np.zeros(count, dtype=np.bool_),
        planes=(),
        numeric=np.zeros((count, 0)),
        numeric_names=(),
        categorical=np.zeros((count, 0), dtype=np.int64),
        categorical_names=(),
        categorical_levels=(),
    )


def _people(impaired: int, healthy: int, scans: int) -> Cohort:
    groups = [f"p{person}" for person in range(impaired + healthy) for _ in range(scans)]
    labels = [int(person < impaired) for person in range(impaired + healthy) for _ in range(scans)]
    return _cohort(labels, groups)


@settings(max_examples=25)
@given(
    st.integers(5, 20), st.integers(5, 40), st.integers(1, 3), st.integers(2, 5), st.integers(0, 99)
)
def test_sides_part_the_people_and_folds_part_the_cohort(
    impaired: int, healthy: int, scans: int, folds: int, seed: int
) -> None:
    cohort = _people(impaired, healthy, scans)
    data = {"folds": folds, "split_seed": seed, "validation_share": 0.25}
    tested: list[int] = []
    for fold in range(folds):
        split = split_cohort(cohort, data, fold)
        sides = [split.train, split.validation, split.test]
        assert sorted(np.concatenate(sides).tolist()) == list(range(len(cohort)))
        people = [{cohort.groups[row] for row in side} for side in sides]
        assert sum(map(len, people)) == impaired + healthy
        assert all(set(cohort.labels[side].tolist()) == {0, 1} for side in sides)
        assert abs(cohort.labels[split.test].mean() * len(people[2]) - impaired / folds) <= 2
        tested += split.test.tolist()
        np.testing.assert_array_equal(
            split.development, np.sort(np.concatenate([split.train, split.validation]))
        )
    assert sorted(tested) == list(range(len(cohort)))


def test_outer_folds_are_a_function_of_data_only() -> None:
    cohort = _people(30, 30, 1)
    first = split_cohort(cohort, {"folds": 5}, 2)
    again = split_cohort(cohort, {"folds": 5, "validation_share": 0.4}, 2)
    np.testing.assert_array_equal(first.test, again.test)
    assert len(again.validation) > len(first.validation)
    other = split_cohort(cohort, {"folds": 5, "split_seed": 1}, 2)
    assert set(other.test.tolist()) != set(first.test.tolist())
    same = split_cohort(cohort, {"folds": 5}, 2)
    np.testing.assert_array_equal(first.validation, same.validation)


def test_validation_is_the_share_of_each_class() -> None:
    split = split_cohort(_people(50, 100, 1), {"folds": 5, "validation_share": 0.2}, 0)
    assert len(split.test) == 30
    assert len(split.validation) == 8 + 16


@pytest.mark.parametrize("fold", [-1, 5, True])
def test_no_such_fold(fold: int) -> None:
    with pytest.raises(SplitError, match="fold must be from 0 to 4"):
        split_cohort(_people(30, 30, 1), {}, fold)


def test_a_class_with_too_few_people() -> None:
    with pytest.raises(SplitError, match="4 people with label 1"):
        split_cohort(_people(4, 30, 3), {}, 0)
    with pytest.raises(SplitError, match="0 people with label 0"):
        split_cohort(_people(30, 0, 1), {}, 0)


def test_a_one_class_side() -> None:
    # After one impaired person for the test and one for validation, nobody is left to learn from.
    with pytest.raises(SplitError, match="the training side must have both classes"):
        split_cohort(_people(2, 30, 1), {"folds": 2}, 0)


def test_a_person_on_two_sides(make_cohort: Callable[..., Cohort]) -> None:
    rows = np.arange(40)
    split = Split(train=rows[:20], validation=rows[20:30], test=rows[30:])
    cohort = make_cohort()
    check_split(cohort, split)
    twice = make_cohort(groups=(*cohort.groups[:39], cohort.groups[0]))
    with pytest.raises(SplitError, match="p000 on the training and the test side"):
        check_split(twice, split)
    with pytest.raises(SplitError, match="p000 on the training and the validation side"):
        check_split(cohort, Split(train=rows[:20], validation=rows[:30], test=rows[30:]))
