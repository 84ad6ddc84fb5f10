from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from joulefront.front import crowding_distances, non_dominated, non_dominated_ranks

VALUES = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, np.inf, np.nan])
CLOUDS = st.integers(1, 4).flatmap(
    lambda m: st.lists(st.lists(VALUES, min_size=m, max_size=m), min_size=1, max_size=20)
)


def by_peeling(points: NDArray[np.float64]) -> list[int]:
    points, ranks, rank = points.copy(), np.zeros(len(points), dtype=int), 0
    while (members := non_dominated(points)).any():
        ranks[members] = rank
        points[members] = np.nan
        rank += 1
    return ranks.tolist()


@given(CLOUDS)
def test_agrees_with_taking_front_after_front(rows: list[list[float]]) -> None:
    points = np.array(rows)
    absent = np.isnan(points).any(axis=1)
    ranks = non_dominated_ranks(points)
    assert ranks[~absent].tolist() == by_peeling(points[~absent])
    assert set(ranks[absent]) <= {ranks[~absent].max(initial=-1) + 1}


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_no_points_have_no_ranks(columns: int) -> None:
    assert non_dominated_ranks(np.empty((0, columns))).tolist() == []
    assert crowding_distances(np.empty((0, columns))).tolist() == []


def test_crowding_is_the_sum_of_the_gaps_to_both_sides() -> None:
    front = np.array([[0.0, 10.0], [4.0, 0.0], [1.0, 8.0], [2.0, 2.0]])
    inf = np.inf
    assert crowding_distances(front).tolist() == [inf, inf, 2 / 4 + 8 / 10, 3 / 4 + 8 / 10]


@pytest.mark.parametrize("n", [1, 2])
def test_ends_are_never_crowded(n: int) -> None:
    assert np.isinf(crowding_distances(np.arange(2.0 * n).reshape(n, 2))).all()


def test_equal_points_are_crowded_but_for_two() -> None:
    assert crowding_distances(np.ones((4, 1))).tolist() == [np.inf, 0.0, 0.0, np.inf]
