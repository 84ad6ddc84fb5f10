from __future__ import annotations

import numpy as np
import pytest

from joulefront.spec import Stopping
from joulefront.stopping import project, should_stop
from joulefront.testing.stopping import EPOCHS, beginning, made_up_curve, made_up_study

DOMINATED = Stopping(rule="dominated")
OTHERS, FINISHED = made_up_study(40)


@pytest.mark.parametrize("epoch", range(1, EPOCHS))
@pytest.mark.parametrize("error", [0.1, 0.25, 0.35, 0.5])
def test_stops_exactly_where_a_finished_point_dominates_the_optimistic_projection(epoch, error):
    curve = beginning(made_up_curve("x", error=error, joules=80.0), epoch)
    best = project(curve, OTHERS).optimistic
    expected = any(
        all(a <= b for a, b in zip(point, best, strict=True)) and tuple(point) != tuple(best)
        for point in FINISHED
    )
    assert should_stop(curve, OTHERS, FINISHED, DOMINATED) is expected


def test_a_point_equal_to_the_projection_does_not_dominate_it():
    curve = beginning(made_up_curve("x", error=0.3, joules=80.0), 4)
    best = project(curve, OTHERS).optimistic
    assert not should_stop(curve, OTHERS, best[None], DOMINATED)
    assert should_stop(curve, OTHERS, best[None] - [0.0, 1e-9], DOMINATED)


def test_an_objective_known_only_at_the_end_keeps_the_trial():
    curve = beginning(made_up_curve("x", error=0.9, joules=900.0), 4)
    assert should_stop(curve, OTHERS, FINISHED, DOMINATED)
    curve.objectives[:, 0] = np.nan
    assert not should_stop(curve, OTHERS, FINISHED, DOMINATED)


def test_a_finished_point_with_nan_dominates_nothing():
    curve = beginning(made_up_curve("x", error=0.9, joules=900.0), 4)
    assert not should_stop(curve, OTHERS, np.array([[np.nan, 0.0]]), DOMINATED)
