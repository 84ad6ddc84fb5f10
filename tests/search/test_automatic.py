from __future__ import annotations

import pytest

from joulefront.search import Observation, propose
from joulefront.search import automatic as module
from joulefront.spec.space import Float

SPACE = {"x": Float(0.0, 1.0)}


def history(count, objectives_count):
    return [
        Observation(
            index=i,
            params={"x": i / count},
            values=(i / count,) * objectives_count,
            state="complete",
        )
        for i in range(count)
    ]


@pytest.mark.parametrize(
    ("objectives_count", "count", "limit", "expected"),
    [(2, 20, 21, "gp"), (2, 20, 20, "tpe"), (3, 20, 250, "tpe"), (1, 20, 250, "gp")],
)
def test_rule(monkeypatch, objectives_count, count, limit, expected):
    monkeypatch.setattr(module, "GP_OBSERVATIONS", limit)
    known = history(count, objectives_count)
    auto, named = (
        propose(SPACE, objectives_count, sampler=name, seed=0, index=count, history=known)
        for name in ("auto", expected)
    )
    assert auto == named
