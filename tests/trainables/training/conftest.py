"""A small model with everything that the loop knows of: chance, price, share, buffer, optimiser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from joulefront.testing import RecordingTrial
from trainables.seeding import stream
from trainables.training import Model, Output, Side, Task, TrainingConfig, fit, take_rows

FEATURES = 5


@dataclass(frozen=True, slots=True)
class Points:
    values: Tensor
    there: Tensor
    labels: Tensor

    def take(self, rows):
        return take_rows(self, rows)

    def __len__(self) -> int:
        return len(self.labels)


class Fitted:
    def to_dict(self) -> dict[str, object]:
        return {"features": FEATURES}


class Small(Model):
    shares = ("kept_share",)

    def __init__(self, classes: int = 2) -> None:
        super().__init__()
        self.classes = classes
        generator = stream(0, "weights")
        weight = torch.randn(classes, FEATURES, generator=generator) / 4
        self.weight, self.bias = nn.Parameter(weight), nn.Parameter(torch.zeros(classes))
        self.level = nn.Parameter(torch.zeros(()))
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, batch, generator=None) -> Output:
        values = batch.values * self.level.sigmoid()
        if self.training:
            values = values * (self.drawn(values, generator) < 0.8)
            self.seen += len(batch)
        kept = int(batch.there.sum())
        logits = values @ self.weight.T + self.bias
        return Output(logits, 0.1 * self.level.sigmoid(), ((kept, len(batch)),))

    @staticmethod
    def drawn(values: Tensor, generator: torch.Generator) -> Tensor:
        return torch.rand(values.shape, generator=generator, device=values.device)

    def own_optimisers(self) -> list[torch.optim.Optimizer]:
        return [torch.optim.SGD([self.level], lr=0.1, momentum=0.9)]

    def costs(self, batch) -> dict[str, float]:
        assert not torch.is_grad_enabled()
        return {"probed": len(batch)}


def make_points(samples: int, *, seed: int = 0, classes: int = 2, noise: float = 2.0) -> Points:
    draw = stream(seed, "points")
    labels = torch.arange(samples) % classes
    values = noise * torch.randn(samples, FEATURES, generator=draw)
    values[:, 0] += labels
    return Points(values, torch.arange(samples) % 4 > 0, labels)


def make_task(*, classes: int = 2, **sizes: int) -> Task:
    sizes = {"train": 22, "validation": 12, "test": 10} | sizes
    sides = [
        Side(tuple(f"{name}{i}" for i in range(n)), make_points(n, seed=seed, classes=classes))
        for seed, (name, n) in enumerate(sizes.items())
    ]
    return Task(*sides, Fitted())


class Interrupted(BaseException):
    pass


class FragileTrial(RecordingTrial):
    """Ends with a bang behind its n-th report."""

    def __init__(self, *, after: int, **values: object) -> None:
        super().__init__(**values)
        self.after = after

    def report(self, metrics, checkpoint=None) -> None:
        super().report(metrics, checkpoint)
        if len(self.reports) == self.after:
            raise Interrupted


@pytest.fixture(autouse=True)
def _short_probes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainables.training.costs.INFERENCE_SECONDS", {"cpu": 0.001, "cuda": 0.1})


@pytest.fixture
def task() -> Task:
    return make_task()


@pytest.fixture
def small():
    return Small


@pytest.fixture
def points():
    return make_points


@pytest.fixture
def tasks():
    return make_task


@pytest.fixture
def run(task):
    """Train a `Small`; with `after`, until that many reports have been made."""

    def call(
        config: TrainingConfig | None = None,
        *,
        given: Task = task,
        classes: int = 2,
        checkpoint: Path | None = None,
        after: int | None = None,
        seed: int = 0,
    ) -> RecordingTrial:
        config = config or TrainingConfig(epochs=3, batch_size=4)
        values = {"checkpoint": checkpoint, "seed": seed}
        if after is None:
            trial = RecordingTrial(**values)
            fit(config, trial, Small(classes), given)
        else:
            trial = FragileTrial(after=after, **values)
            with pytest.raises(Interrupted):
                fit(config, trial, Small(classes), given)
        return trial

    return call
