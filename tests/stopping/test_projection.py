from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from joulefront.stopping import Curve, project
from joulefront.testing.stopping import EPOCHS, beginning, made_up_curve, made_up_study

OTHERS, FINISHED = made_up_study(40)
CURVE = made_up_curve("x", error=0.3, joules=50.0)


def rows_of(projection):
    return np.stack([projection.optimistic, projection.expected, projection.pessimistic])


@pytest.mark.parametrize("epoch", range(1, EPOCHS))
def test_bounds_are_ordered(epoch):
    projection = project(beginning(CURVE, epoch), OTHERS)
    assert (np.diff(rows_of(projection), axis=0) > 0).all()


@pytest.mark.parametrize("law", ["power", "exponential", "sigmoid", "worse first"])
@pytest.mark.parametrize("epoch", [2, 6])
def test_curves_like_the_finished_ones_end_below_the_optimistic_bound_as_often_as_promised(
    law, epoch
):
    rng = np.random.default_rng([len(law), epoch])
    below, above, studies, per_study = np.zeros(2), np.zeros(2), 20, 10
    for _ in range(studies):
        curves = [drawn(law, f"c{i:04d}", rng) for i in range(30 + per_study)]
        for curve in curves[30:]:
            projection = project(beginning(curve, epoch), curves[:30])
            below += curve.objectives[-1] < projection.optimistic
            above += curve.objectives[-1] > projection.pessimistic
    tolerance = 0.06  # the outcomes within a study are correlated
    assert (below / (studies * per_study) <= 0.1 + tolerance).all()
    assert (above / (studies * per_study) <= 0.1 + tolerance).all()


def drawn(law: str, trial_id: str, rng: np.random.Generator) -> Curve:
    curve = made_up_curve(trial_id, error=0.0, joules=float(np.exp(rng.uniform(2, 5))))
    at, speed = np.arange(1, EPOCHS + 1) / EPOCHS, rng.uniform(1.0, 5.0)
    shape = {
        "power": (9 * at) ** -speed,
        "exponential": np.exp(-speed * at),
        "sigmoid": 1 / (1 + np.exp(20 * (at - 0.15 * speed))),
        "worse first": np.exp(-speed * at) + np.sin(np.pi * at) ** 2,
    }[law]
    noise = 0.02 * rng.standard_normal(EPOCHS)
    curve.objectives[:, 0] = rng.uniform(0.1, 0.3) + 0.5 * shape + noise
    return curve


def test_only_complete_curves_are_compared_with():
    tempting = [
        replace(other, objectives=other.objectives * 1e-3, state=state)
        for other in OTHERS
        for state in ("running", "pruned")
    ]
    running = beginning(CURVE, 4)
    both = rows_of(project(running, [*OTHERS, *tempting]))
    assert np.array_equal(both, rows_of(project(running, OTHERS)))


def test_a_complete_curve_that_ended_before_is_not_compared_with():
    shorter = [
        replace(other, epochs=other.epochs[:6], objectives=other.objectives[:6], final_epoch=6)
        for other in OTHERS
    ]
    assert np.isneginf(project(beginning(CURVE, 4), shorter).optimistic).all()


def test_a_longer_curve_counts_with_what_it_was_at_the_last_epoch():
    running = replace(beginning(CURVE, 4), final_epoch=7)
    shortened = [
        replace(other, epochs=other.epochs[:7], objectives=other.objectives[:7], final_epoch=7)
        for other in OTHERS
    ]
    assert np.array_equal(rows_of(project(running, OTHERS)), rows_of(project(running, shortened)))


def test_fewer_than_nine_finished_curves_say_nothing():
    assert np.isneginf(project(beginning(CURVE, 4), OTHERS[:8]).optimistic).all()
    few = project(beginning(CURVE, 4), OTHERS[:9])
    assert np.isfinite(few.optimistic).all()
    many = project(beginning(CURVE, 4), OTHERS)
    assert (few.optimistic[0] - few.pessimistic[0]) < (many.optimistic[0] - many.pessimistic[0])


def test_what_was_spent_goes_on_at_its_own_rate():
    dear = made_up_curve("dear", error=0.3, joules=5000.0)
    projection = project(beginning(dear, 3), OTHERS)
    assert 3500 < projection.optimistic[1] < projection.pessimistic[1] < 6500
    wider = project(beginning(dear, 1), OTHERS)
    assert wider.pessimistic[1] / wider.optimistic[1] > (
        projection.pessimistic[1] / projection.optimistic[1]
    )


def test_a_trend_lowers_the_optimistic_bound():
    falling = beginning(CURVE, 6)
    falling.objectives[:, 0] = 2.0 - 0.3 * falling.epochs
    standing = replace(
        falling, objectives=np.column_stack([np.full(6, 0.35), falling.objectives[:, 1]])
    )
    drop = falling.objectives[-2:, 0].mean() - project(falling, OTHERS).optimistic[0]
    assert drop == pytest.approx(0.5 * 0.3 * 3)
    assert 0.35 - project(standing, OTHERS).optimistic[0] < 0.1


def test_an_objective_known_only_at_the_end_cannot_be_judged():
    running = beginning(CURVE, 4)
    running.objectives[:, 0] = np.nan
    projection = project(running, OTHERS)
    assert projection.optimistic[0] == -np.inf
    assert np.isnan(projection.expected[0])
    assert projection.pessimistic[0] == FINISHED[:, 0].max()
    assert np.isfinite(projection.optimistic[1])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_report_that_is_not_finite_is_passed_over(value):
    running = beginning(CURVE, 5)
    running.objectives[-1, 0] = value
    earlier = project(beginning(CURVE, 4), OTHERS)
    assert np.array_equal(rows_of(project(running, OTHERS))[:2], rows_of(earlier)[:2])


def test_an_unknown_last_epoch_is_the_longest_finished_curves():
    endless = replace(beginning(CURVE, 4), final_epoch=None)
    assert np.array_equal(
        rows_of(project(endless, OTHERS)), rows_of(project(beginning(CURVE, 4), OTHERS))
    )
    assert np.isneginf(project(endless, []).optimistic).all()


def test_the_last_report_is_the_projection():
    assert (rows_of(project(CURVE, OTHERS)) == CURVE.objectives[-1]).all()


def test_no_report_and_nothing_finished_say_nothing():
    projection = project(beginning(CURVE, 0), [])
    assert np.isneginf(projection.optimistic).all()
    assert np.isposinf(projection.pessimistic).all()


def test_order_does_not_matter():
    running = beginning(CURVE, 4)
    assert np.array_equal(
        rows_of(project(running, OTHERS)), rows_of(project(running, OTHERS[::-1]))
    )


def test_ten_thousand_curves_take_no_longer_than_hundreds():
    many, running = OTHERS * 250, beginning(CURVE, 4)
    project(running, many)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        project(running, many)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.01
