from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from joulefront.front import hypervolume, hypervolume_history

SIDE = 4
CELLS = st.integers(1, 4).flatmap(
    lambda m: st.lists(
        st.lists(st.integers(-1, SIDE + 1), min_size=m, max_size=m), min_size=1, max_size=12
    )
)
REALS = st.integers(1, 4).flatmap(
    lambda m: st.lists(
        st.lists(st.floats(-2, 2, allow_nan=False, width=32), min_size=m, max_size=m),
        min_size=1,
        max_size=6,
    )
)


def by_counting_cells(points: NDArray[np.float64], columns: int) -> int:
    """Unit cells of the grid from -1 to SIDE that some whole-number point dominates."""
    return sum(
        bool((points <= np.array(cell)).all(axis=1).any())
        for cell in itertools.product(range(-1, SIDE), repeat=columns)
    )


def by_inclusion_and_exclusion(
    points: NDArray[np.float64], reference: NDArray[np.float64]
) -> float:
    total = 0.0
    for size in range(1, len(points) + 1):
        for subset in itertools.combinations(points, size):
            edges = np.maximum(reference - np.max(subset, axis=0), 0.0)
            total += (-1) ** (size + 1) * float(np.prod(edges))
    return total


@given(CELLS)
def test_agrees_with_counting_cells(rows: list[list[int]]) -> None:
    points = np.array(rows, dtype=float)
    reference = np.full(points.shape[1], float(SIDE))
    assert hypervolume(points, reference) == pytest.approx(
        by_counting_cells(points, points.shape[1])
    )


@given(REALS)
def test_agrees_with_inclusion_and_exclusion(rows: list[list[float]]) -> None:
    points = np.array(rows)
    reference = np.full(points.shape[1], 1.5)
    assert hypervolume(points, reference) == pytest.approx(
        by_inclusion_and_exclusion(points, reference), rel=1e-9, abs=1e-9
    )


@given(CELLS)
def test_history_is_the_hypervolume_of_each_beginning(rows: list[list[int]]) -> None:
    points = np.array(rows, dtype=float)
    reference = np.full(points.shape[1], float(SIDE))
    expected = [hypervolume(points[: k + 1], reference) for k in range(len(points))]
    assert hypervolume_history(points, reference) == pytest.approx(expected)


@given(REALS)
def test_history_never_falls(rows: list[list[float]]) -> None:
    points = np.array(rows)
    history = hypervolume_history(points, np.full(points.shape[1], 1.0))
    assert (np.diff(history) >= 0).all()


def test_a_long_history_ends_at_the_hypervolume() -> None:
    points = np.random.default_rng(0).random((2000, 2))
    reference = np.ones(2)
    history = hypervolume_history(points, reference)
    assert history[-1] == pytest.approx(hypervolume(points, reference), rel=1e-12)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_rows_that_count_for_nothing(columns: int) -> None:
    points = np.array([[np.nan] * columns, [1.0] * columns, [np.inf] * columns])
    assert hypervolume(points, np.ones(columns)) == 0.0
    assert hypervolume_history(points, np.ones(columns)).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_minus_infinity_is_infinitely_good_from_its_place_on(columns: int) -> None:
    points = np.zeros((3, columns))
    points[1, 0] = -np.inf
    assert hypervolume(points, np.ones(columns)) == np.inf
    assert hypervolume_history(points, np.ones(columns)).tolist() == [1.0, np.inf, np.inf]


def test_no_points() -> None:
    assert hypervolume(np.empty((0, 2)), np.ones(2)) == 0.0
    assert hypervolume_history(np.empty((0, 2)), np.ones(2)).tolist() == []


@pytest.mark.parametrize("reference", [[1.0], [1.0, np.inf], [np.nan, 1.0]])
def test_a_reference_that_cannot_be_is_refused(reference: list[float]) -> None:
    with pytest.raises(ValueError, match="reference must"):
        hypervolume(np.zeros((1, 2)), np.array(reference))
