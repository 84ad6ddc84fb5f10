from __future__ import annotations

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from joulefront.front import non_dominated

VALUES = st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 1.0, 2.0, 3.0, np.inf, np.nan])
CLOUDS = st.integers(1, 5).flatmap(
    lambda m: st.lists(st.lists(VALUES, min_size=m, max_size=m), min_size=1, max_size=25)
)


def by_all_pairs(points: NDArray[np.float64]) -> list[bool]:
    def dominates(a: NDArray[np.float64], b: NDArray[np.float64]) -> bool:
        return bool((a <= b).all() and (a < b).any())

    return [
        not np.isnan(point).any()
        and not any(dominates(other, point) for other in points if not np.isnan(other).any())
        for point in points
    ]


@given(CLOUDS)
def test_agrees_with_all_pairs(rows: list[list[float]]) -> None:
    points = np.array(rows)
    assert non_dominated(points).tolist() == by_all_pairs(points)


@given(CLOUDS, st.randoms(use_true_random=False))
def test_does_not_depend_on_the_order(rows: list[list[float]], random) -> None:
    order = list(range(len(rows)))
    random.shuffle(order)
    points = np.array(rows)
    assert non_dominated(points[order]).tolist() == non_dominated(points)[order].tolist()


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_duplicates_of_a_member_are_members(columns: int) -> None:
    points = np.array([[1.0] * columns, [1.0] * columns, [2.0] * columns])
    assert non_dominated(points).tolist() == [True, True, False]


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_no_points_have_no_members(columns: int) -> None:
    assert non_dominated(np.empty((0, columns))).tolist() == []


def test_only_nans_have_no_members() -> None:
    assert non_dominated(np.full((3, 2), np.nan)).tolist() == [False] * 3


@pytest.mark.parametrize("shape", [(3,), (2, 0), (1, 2, 3)])
def test_other_shapes_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must have shape"):
        non_dominated(np.zeros(shape))


def test_leaves_its_argument_alone() -> None:
    points = np.array([[1.0, np.inf, 2.0], [0.0, 1.0, 5.0]])
    before = points.copy()
    points.setflags(write=False)
    non_dominated(points)
    assert np.array_equal(points, before)


@pytest.mark.parametrize("levels", [40, 10**9])
def test_many_points_agree_with_moocore(levels: int) -> None:
    """With ties and without, after most were left out by a sample."""
    rng = np.random.default_rng(0)
    points = rng.integers(0, levels, (20_000, 2)).astype(float)
    points[::100] = -points[::100] % 7
    expected = moocore.is_nondominated(points, keep_weakly=True)
    points = np.vstack([points, [[np.nan, -1e9], [np.inf, -1e9], [np.inf, -1e9]]])
    assert non_dominated(points).tolist() == [*expected, False, True, True]
