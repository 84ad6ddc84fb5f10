from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from joulefront.bench.energy.child_actor import ChildActor
from joulefront.bench.energy.work import Config, here, train


class Trial:
    """What `train` uses of a trial's context."""

    def __init__(self) -> None:
        self.metrics: dict[str, Any] = {}

    @contextmanager
    def measured(self) -> Iterator[None]:
        yield

    def finish(self, metrics: dict[str, Any]) -> None:
        self.metrics = metrics


def done(config: Config) -> dict[str, Any]:
    trial = Trial()
    train(config, trial)  # type: ignore[arg-type]
    return trial.metrics


def test_subprocesses_are_in_the_truth_and_not_in_their_parent(tmp_path: Path) -> None:
    found = done(Config(kind="subprocess", amount=0.2, gate=str(tmp_path)))
    assert found["truth"] == found["tree"] >= 0.2
    assert found["own"] < 0.1


@pytest.mark.slow
def test_persistent_workers_are_in_the_truth_though_nobody_has_reaped_them(tmp_path: Path) -> None:
    found = done(Config(kind="persistent", amount=1.0, gate=str(tmp_path)))
    assert found["truth"] >= 0.8
    assert found["tree"] < 0.4


def test_endless_work_ends_when_another_trial_is_done(tmp_path: Path) -> None:
    (tmp_path / "here-other").touch()
    (tmp_path / "stop").touch()
    found = done(Config(kind="memory", endless=True, gate=str(tmp_path), party=2))
    assert here(tmp_path) == 2
    assert found["truth"] < 5.0


def test_a_child_actor_tells_what_it_has_used() -> None:
    used = ChildActor().burn(0.05, since=float("inf"))
    assert used >= 0.05
    assert ChildActor().burn(0.0, since=0.0) > used
