"""Values from the command line replace, add, and are named as the place of their mistakes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from joulefront.errors import SpecError
from joulefront.spec import Budget, Float, Int, load_study

Write = Callable[..., Path]


def test_overrides_replace_and_add(write_study: Write) -> None:
    spec = load_study(
        write_study(),
        [
            "budget.trials=3",
            "budget.trials=6",
            "search.concurrent=1",
            "space.clusters.int=[1, 8]",
            "space.masking_ratio={float: [0.1, 1e-0]}",
            "objectives.0.metric=a=b",
            "fixed.label=",
        ],
    )
    assert spec.budget == Budget(trials=6)
    assert spec.search.concurrent == 1
    assert spec.space["clusters"] == Int(1, 8, log=True)
    assert spec.space["masking_ratio"] == Float(0.1, 1.0)
    assert spec.objectives[0].metric == "a=b"
    assert spec.fixed == {"epochs": 4, "label": None}


@pytest.mark.parametrize(
    ("override", "path", "words"),
    [
        ("budget.trials", "budget.trials", "dotted.path=value"),
        ("=3", "(top)", "dotted.path=value"),
        ("budget..trials=3", "budget..trials", "dotted.path=value"),
        ("budget.trials=many", "budget.trials", "an integer or null"),
        ("budget.trails=3", "budget.trails", "nearest valid name: trials"),
        ("bugdet.trials=3", "bugdet", "nearest valid name: budget"),
        ("name.first=3", "name.first", "a mapping on the way"),
        ("objectives.2.metric=a", "objectives.2", "an index below 2"),
        ("objectives.first=a", "objectives.first", "an index below 2"),
        ("search={seed: [}", "search", "must be YAML"),
        ("space.clusters.int=[8, 1]", "space.clusters.int", "low must not be above high"),
        ("stopping.rule=dominated", "stopping.rule", "is not built yet"),
        ("data.root=/no/such/folder", "data.root", "must exist"),
    ],
)
def test_mistake_on_the_command_line(
    write_study: Write, override: str, path: str, words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        load_study(write_study(), [override])
    assert str(caught.value).startswith(f"--set: {path}: ")
    assert words in str(caught.value)
