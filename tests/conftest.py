"""What all tests share: the checkout's folder, a spec to vary, and one local Ray a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from joulefront.spec import Budget, Choice, Float, Int, Objective, Search, StudySpec


@pytest.fixture(scope="session")
def repository() -> Path:
    return Path(__file__).resolve().parent.parent


@pytest.fixture
def toy_spec() -> Callable[..., StudySpec]:
    """A study of the toy with deterministic objectives, any field of it replaced."""

    def make(**changes: Any) -> StudySpec:
        fields: dict[str, Any] = {
            "name": "toy",
            "trainable": "trainables.toy:train",
            "fixed": {"work": 0.0},
            "space": {
                "width": Int(8, 512, log=True),
                "learning_rate": Float(1e-4, 1.0, log=True),
                "activation": Choice(("relu", "tanh")),
            },
            "objectives": (Objective("accuracy", "maximise"), Objective("flops", "minimise")),
            "search": Search(sampler="random", concurrent=1),
            "budget": Budget(trials=6),
        }
        return StudySpec(**(fields | changes))

    return make


@pytest.fixture(scope="session")
def ray_session() -> Iterator[None]:
    """One small Ray on loopback for all tests that need one."""
    from joulefront.launch.cluster import ray_cluster

    with ray_cluster(None, cpus=1, slots=3, gpus=0):
        yield
