from __future__ import annotations

from collections import Counter

import numpy as np
from scipy.stats.qmc import discrepancy

from joulefront.search import propose
from joulefront.spec.space import Choice, Float

PLANE = {"x": Float(0.0, 1.0), "y": Float(0.0, 1.0)}


def points(sampler, count, space=PLANE, seed=0):
    return [
        tuple(propose(space, 1, sampler=sampler, seed=seed, index=i, history=()).params.values())
        for i in range(count)
    ]


def test_it_is_one_even_sequence():
    qmc, random = (discrepancy(np.array(points(name, 64))) for name in ("qmc", "random"))
    assert qmc < 0.2 * random
    assert len(set(points("qmc", 64))) == 64


def test_the_seed_moves_it():
    assert points("qmc", 1, seed=0) != points("qmc", 1, seed=1)


def test_options_come_equally_often():
    counts = Counter(points("qmc", 64, {"c": Choice(("a", "b", "c", "d"))}))
    assert set(counts.values()) == {16}
