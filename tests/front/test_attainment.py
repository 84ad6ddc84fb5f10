from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.front import attainment_surfaces

FRONTS = st.integers(2, 3).flatmap(
    lambda m: st.lists(
        st.lists(st.lists(st.integers(0, 4), min_size=m, max_size=m), min_size=1, max_size=5),
        min_size=1,
        max_size=4,
    )
)


@settings(max_examples=40)
@given(FRONTS, st.integers(1, 4))
def test_agrees_with_counting_fronts_on_a_grid(rows: list[list[list[int]]], at_least: int) -> None:
    fronts = [np.array(front, dtype=float) for front in rows]
    at_least = min(at_least, len(fronts))
    (surface,) = attainment_surfaces(fronts, [100 * at_least / len(fronts)])
    m = fronts[0].shape[1]
    for point in np.stack(np.meshgrid(*[np.arange(6)] * m), axis=-1).reshape(-1, m):
        attained = sum(bool((front <= point).all(axis=1).any()) for front in fronts)
        assert (surface <= point).all(axis=1).any() == (attained >= at_least)


def test_surfaces_are_ordered() -> None:
    fronts = [np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([[1.5, 1.5]])]
    best, worst = attainment_surfaces(fronts, [50, 100])
    assert best.tolist() == [[1.0, 2.0], [1.5, 1.5], [2.0, 1.0]]
    assert worst.tolist() == [[1.5, 2.0], [2.0, 1.5]]


def test_empty_fronts_attain_nothing() -> None:
    fronts = [np.array([[1.0, 1.0]]), np.empty((0, 2))]
    half, whole = attainment_surfaces(fronts, [50, 100])
    assert half.tolist() == [[1.0, 1.0]]
    assert whole.shape == (0, 2)


@pytest.mark.parametrize(
    ("fronts", "percentile", "message"),
    [
        ([], 50, "shape"),
        ([np.zeros((1, 4))], 50, "shape"),
        ([np.zeros((1, 2)), np.zeros((1, 3))], 50, "shape"),
        ([np.zeros((1, 2))], 0, "percentiles"),
        ([np.full((1, 2), np.inf)], 50, "finite"),
    ],
)
def test_what_does_not_fit_is_refused(fronts, percentile: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        attainment_surfaces(fronts, [percentile])
