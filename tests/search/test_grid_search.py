from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.search import SpaceExhausted, propose
from joulefront.search.grid_search import _shuffled
from joulefront.spec.conditions import active
from joulefront.spec.space import Choice, Float, Int

SPACE = {
    "rate": Float(1e-4, 1e-1, log=True),
    "size": Int(1, 5, step=2),
    "kind": Choice(("a", None)),
}


def ask(index, seed=0):
    return propose(SPACE, 1, sampler="grid", seed=seed, index=index, history=())


def test_every_configuration_comes_once_then_the_grid_is_exhausted():
    size = 5 * 3 * 2
    asked = [tuple(ask(i).params.values()) for i in range(size)]
    assert sorted(map(repr, asked)) == sorted(
        map(repr, itertools.product(*(p.grid() for p in SPACE.values())))
    )
    with pytest.raises(SpaceExhausted, match="30 configurations"):
        ask(size)


def test_a_conditional_grid_has_each_configuration_once():
    space = {
        "k": Int(1, 3, step=1, when={"kind": "a"}),
        "kind": Choice(("a", "b", None)),
        "deep": Choice((1, 2), when={"kind": ("a", "b")}),
        "last": Choice(("x", "y"), when={"deep": 2}),
    }
    boxed = itertools.product(*(p.grid() for p in space.values()))
    points = [dict(zip(space, values, strict=True)) for values in boxed]
    expected = {tuple((n, p[n]) for n in active(space, p)) for p in points}
    asked = [
        propose(space, 1, sampler="grid", seed=0, index=i, history=()).params
        for i in range(len(expected))
    ]
    assert {tuple(params.items()) for params in asked} == expected
    with pytest.raises(SpaceExhausted, match=f"{len(expected)} configurations"):
        propose(space, 1, sampler="grid", seed=0, index=len(expected), history=())


def test_the_seed_sets_the_order():
    orders = {tuple(map(repr, (ask(i, seed).params for i in range(30)))) for seed in range(4)}
    assert len(orders) == 4


@given(size=st.integers(1, 200), seed=st.integers(0, 2**31))
def test_shuffled_is_a_permutation(size, seed):
    assert sorted(_shuffled(size, i, seed) for i in range(size)) == list(range(size))


def test_a_grid_larger_than_memory():
    assert 0 <= _shuffled(10**30, 5, 0) < 10**30
