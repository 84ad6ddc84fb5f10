from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.energy import emissions_grams, grid_intensity
from joulefront.energy.bundled import grid_table
from joulefront.errors import JoulefrontError


def test_taiwan_is_codecarbon_s():
    assert grid_intensity("TWN") == 642.378


def test_a_kilowatt_hour_costs_the_intensity():
    assert emissions_grams(3.6e6, 642.378) == pytest.approx(642.378)


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_emissions_are_additive(first, second):
    both = emissions_grams(first, 500.0) + emissions_grams(second, 500.0)
    assert emissions_grams(first + second, 500.0) == pytest.approx(both)


def test_every_country_has_a_name_and_an_intensity():
    assert len(grid_table()) > 200
    assert all(name and intensity >= 0 for name, intensity in grid_table().values())


@pytest.mark.parametrize(
    ("given_code", "nearest"),
    [("TWM", "TWN (Taiwan)"), ("GER", "DEU (Germany)"), ("twn", "TWN (Taiwan)"), ("", None)],
)
def test_unknown_country_names_the_nearest(given_code, nearest):
    with pytest.raises(JoulefrontError, match="three-letter ISO code") as caught:
        grid_intensity(given_code)
    assert (nearest or "leave it out") in str(caught.value)
