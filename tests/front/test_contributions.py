from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.front import hypervolume, hypervolume_contributions

VALUES = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5, np.nan])
CLOUDS = st.integers(1, 4).flatmap(
    lambda m: st.lists(st.lists(VALUES, min_size=m, max_size=m), min_size=1, max_size=10)
)


@settings(max_examples=60)
@given(CLOUDS)
def test_agrees_with_leaving_each_point_out(rows: list[list[float]]) -> None:
    points = np.array(rows)
    reference = np.full(points.shape[1], 1.25)
    whole = hypervolume(points, reference)
    expected = [whole - hypervolume(np.delete(points, i, 0), reference) for i in range(len(points))]
    assert hypervolume_contributions(points, reference) == pytest.approx(expected, abs=1e-12)


def test_what_is_infinite_or_outside_adds_nothing() -> None:
    points = np.array([[-np.inf, 0.0], [0.5, 0.5], [0.0, np.inf], [0.0, 1.0]])
    assert hypervolume_contributions(points, np.ones(2)).tolist() == [0.0, 0.25, 0.0, 0.0]


def test_no_points() -> None:
    assert hypervolume_contributions(np.empty((0, 2)), np.ones(2)).tolist() == []


def test_a_reference_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length 2"):
        hypervolume_contributions(np.zeros((1, 2)), np.ones(3))
