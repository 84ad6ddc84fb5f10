from __future__ import annotations

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.front import crowding_distances
from joulefront.spec import Stopping
from joulefront.stopping import Curve, should_stop

SOME = np.zeros((1, 2))


def at_rung(values, number: int = 0, epoch: int = 3, state="running") -> Curve:
    objectives = np.full((epoch, len(values)), 9.0)
    objectives[-1] = values
    return Curve(
        trial_id=f"c{number:04d}",
        epochs=np.arange(1, epoch + 1),
        objectives=objectives,
        final_epoch=27,
        state=state,
    )


def stops(points, reduction: int = 3, **changes) -> bool:
    own, *others = [at_rung(point, number, **changes) for number, point in enumerate(points)]
    rule = Stopping(rule="successive_halving", min_epochs=1, reduction=reduction)
    return should_stop(own, others, SOME, rule)


def dominates(a, b) -> bool:
    return all(x <= y for x, y in zip(a, b, strict=True)) and tuple(a) != tuple(b)


def slow_stops(points, reduction: int) -> bool:
    left, better = list(range(len(points))), 0
    while True:
        front = [i for i in left if not any(dominates(points[j], points[i]) for j in left)]
        if 0 in front:
            break
        better += len(front)
        left = [i for i in left if i not in front]
    crowding = crowding_distances(np.array([points[i] for i in front], dtype=float))
    better += sum(c > crowding[front.index(0)] for c in crowding)
    return bool(better >= ceil(len(points) / reduction))


POINTS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@settings(max_examples=100)
@given(POINTS, st.integers(2, 4))
def test_agrees_with_peeling_fronts_off(points, reduction):
    assert stops(points, reduction, epoch=reduction) is slow_stops(points, reduction)


def test_the_best_third_goes_on():
    points = [(float(rank), float(rank)) for rank in range(9)]
    on = [not stops([points[i], *points[:i], *points[i + 1 :]]) for i in range(9)]
    assert on == [True] * 3 + [False] * 6


@pytest.mark.parametrize(
    ("epoch", "rung"), [(1, True), (2, False), (3, True), (6, False), (9, True)]
)
def test_nobody_ends_between_rungs(epoch, rung):
    assert stops([(5.0, 5.0), (1.0, 1.0)], epoch=epoch) is rung


def test_rungs_start_at_the_least_epoch():
    own, other = at_rung((5.0, 5.0), 0, 4), at_rung((1.0, 1.0), 1, 4)
    for least, expected in ((2, True), (3, False), (4, True), (5, False)):
        rule = Stopping(rule="successive_halving", min_epochs=least, reduction=2)
        assert should_stop(own, [other], SOME, rule) is expected


def test_curves_that_never_reached_the_rung_are_not_compared():
    rule = Stopping(rule="successive_halving", reduction=3)
    early = [at_rung((1.0, 1.0), number, epoch=2) for number in range(5)]
    assert not should_stop(at_rung((5.0, 5.0), 9), early, SOME, rule)


@pytest.mark.parametrize("state", ["running", "complete", "pruned"])
def test_what_became_of_a_curve_after_the_rung_does_not_matter(state):
    other = replace(at_rung((1.0, 1.0), 1), state=state)
    rule = Stopping(rule="successive_halving", reduction=3)
    assert should_stop(at_rung((5.0, 5.0)), [other], SOME, rule)


def test_nan_at_the_rung_is_held_against_nobody():
    nan = float("nan")
    assert not stops([(nan, 5.0), (1.0, 1.0), (2.0, 2.0)])
    assert not stops([(5.0, 5.0), (nan, 1.0), (nan, 2.0)])


def test_an_objective_that_nobody_reports_is_not_compared():
    nan = float("nan")
    assert stops([(nan, 5.0), (nan, 1.0)])
    assert not stops([(nan, 1.0), (nan, 5.0)])
