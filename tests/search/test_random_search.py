from __future__ import annotations

from joulefront.search import propose
from joulefront.search.random_search import completed
from joulefront.spec.space import Choice, Float, Int

SPACE = {
    "n": Int(1, 3, when={"kind": "a"}),
    "kind": Choice(("a", "b")),
    "x": Float(0.1, 0.7),
}


def test_nothing_given_is_a_random_proposal():
    drawn = propose(SPACE, 1, sampler="random", seed=0, index=3, history=()).params
    assert completed(SPACE, {}, seed=0, index=3) == drawn


def test_what_is_given_is_kept_to_the_digit_and_the_rest_is_drawn():
    for index in range(20):
        params = completed(SPACE, {"kind": "a", "x": 0.1 + 0.2}, seed=0, index=index)
        assert list(params) == ["n", "kind", "x"]
        assert params["x"] == 0.1 + 0.2
    assert len({completed(SPACE, {"kind": "a"}, seed=0, index=i)["n"] for i in range(20)}) == 3


def test_what_is_not_active_is_dropped():
    assert "n" not in completed(SPACE, {"kind": "b", "n": 2}, seed=0, index=0)
