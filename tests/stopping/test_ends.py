from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.spec import Budget, Plateau
from joulefront.stopping import Progress, end_of_search


def progress(**changes) -> Progress:
    given = {
        "configurations": 0,
        "hours": 0.0,
        "joules": 0.0,
        "grams": math.nan,
        "hypervolume": (),
        "joules_at": (),
    }
    return Progress(**(given | changes))


@pytest.mark.parametrize(
    ("budget", "before", "reached"),
    [
        ({"trials": 4}, {"configurations": 3}, {"configurations": 4}),
        ({"hours": 2.0}, {"hours": 1.99}, {"hours": 2.0}),
        ({"energy_wh": 1.0}, {"joules": 3599.0}, {"joules": 3600.0}),
        ({"emissions_grams": 5.0}, {"grams": 4.9}, {"grams": 5.1}),
    ],
)
def test_a_budget_ends_the_search_when_it_is_reached(budget, before, reached):
    (name,) = budget
    assert end_of_search(Budget(**budget), progress(**before)) is None
    end = end_of_search(Budget(**budget), progress(**reached))
    assert end is not None
    assert end.kind == f"budget.{name}"
    assert f"{budget[name]:.6g}" in end.text


def test_the_first_of_several_is_named():
    budget = Budget(trials=4, hours=1.0, energy_wh=1.0)
    spent = progress(configurations=3, hours=1.5, joules=7200.0)
    end = end_of_search(budget, spent)
    assert end is not None
    assert end.kind == "budget.hours"


def test_unknown_grams_end_nothing():
    assert end_of_search(Budget(emissions_grams=1.0), progress()) is None


GROWING = st.lists(st.floats(0, 4), max_size=12).map(sorted)


@settings(max_examples=100)
@given(GROWING, st.integers(1, 5), st.floats(0.01, 0.9))
def test_plateau_over_trials_agrees_with_its_definition(history, trials, gain):
    budget = Budget(plateau=Plateau(gain=gain, trials=trials))
    at = [float(index) for index in range(len(history))]
    end = end_of_search(budget, progress(hypervolume=history, joules_at=at))
    if len(history) <= trials:
        assert end is None
    else:
        grown = history[-1] - history[-1 - trials]
        assert (end is not None) is (grown < gain * history[-1])


def test_plateau_over_watt_hours_looks_at_what_was_spent():
    budget = Budget(plateau=Plateau(gain=0.1, watt_hours=1.0))
    history, at = (1.0, 2.0, 2.05), (1000.0, 2000.0, 3000.0)
    # One watt-hour ago only the first configuration was measured, then the second.
    assert end_of_search(budget, progress(joules=5500.0, hypervolume=history, joules_at=at)) is None
    end = end_of_search(budget, progress(joules=5700.0, hypervolume=history, joules_at=at))
    assert end is not None
    assert end.kind == "budget.plateau"
    assert "0.0244 of itself over the last 1 Wh" in end.text


def test_a_study_shorter_than_the_plateau_goes_on():
    budget = Budget(plateau=Plateau(gain=0.1, watt_hours=2.0))
    early = progress(joules=7000.0, hypervolume=(1.0, 1.0), joules_at=(10.0, 20.0))
    assert end_of_search(budget, early) is None


@pytest.mark.parametrize("value", [0.0, math.inf, math.nan])
def test_no_volume_is_no_plateau(value):
    budget = Budget(plateau=Plateau(gain=0.1, trials=1))
    flat = progress(hypervolume=(value, value), joules_at=(1.0, 2.0))
    assert end_of_search(budget, flat) is None
