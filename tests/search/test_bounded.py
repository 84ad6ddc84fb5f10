from __future__ import annotations

from math import inf, nan

import numpy as np
import pytest

from joulefront.front import non_dominated
from joulefront.search import Observation
from joulefront.search.bounded import bounded, is_told


def observation(index, values=(0.0, 1.0), state="complete", constraints=()):
    return Observation(index=index, params={}, values=values, state=state, constraints=constraints)


def test_what_is_told():
    assert is_told(observation(0))
    assert is_told(observation(0, state="stopped"))
    for values in (None, (nan, 1.0), (1.0, inf)):
        assert not is_told(observation(0, values))
    assert not is_told(observation(0, state="running"))
    assert not is_told(observation(0, state="failed"))


def test_front_and_recent_are_kept_in_order():
    points = np.random.default_rng(0).random((400, 2))
    told = [observation(i, tuple(p)) for i, p in enumerate(points.tolist())]
    kept = [o.index for o in bounded(told, 60)]
    assert kept == sorted(kept)
    assert len(kept) == 60
    assert set(np.flatnonzero(non_dominated(points))) <= set(kept)
    assert set(range(360, 400)) <= set(kept)
    assert bounded(told, 400) == told


def test_a_large_front_leaves_half_to_the_recent_and_keeps_its_ends():
    told = [observation(i, (i / 100, 1 - i / 100)) for i in range(100)]
    kept = {o.index for o in bounded(told, 20)}
    assert len(kept) == 20
    assert {0, 99} <= kept


@pytest.mark.parametrize("constraint", [1.0, nan])
def test_the_infeasible_are_kept_only_while_recent(constraint):
    told = [observation(0, (-1.0, -1.0), constraints=(constraint,))]
    told += [observation(i, (1.0 / i, float(i))) for i in range(1, 50)]
    assert 0 not in {o.index for o in bounded(told, 10)}
    infeasible = [observation(i, constraints=(1.0,)) for i in range(50)]
    assert [o.index for o in bounded(infeasible, 10)] == list(range(40, 50))
