from __future__ import annotations

import json

import pytest
import torch

from trainables.training import TrainingConfig

WAYS = [
    (optimiser, schedule, patience)
    for optimiser in ("adam", "adamw", "sgd")
    for schedule in ("constant", "cosine", "linear", "polynomial")
    for patience in (0, 2)
]


def config_of(optimiser: str, schedule: str, patience: int, **values: object) -> TrainingConfig:
    return TrainingConfig(
        epochs=6,
        batch_size=4,
        optimiser=optimiser,
        learning_rate=0.3,
        weight_decay=0.01,
        schedule=schedule,
        warmup_share=0.2,
        clip_norm=1.0,
        patience=patience,
        **values,
    )


def told(trial) -> list[dict[str, object]]:
    return [
        {k: v for k, v in report.items() if k != "samples_per_second"} for report in trial.reports
    ]


def weights(trial) -> dict[str, torch.Tensor]:
    return torch.load(trial.checkpoints[-1] / "model.pt", weights_only=True)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "-".join(map(str, way)))
def test_going_on_after_any_epoch_equals_never_having_stopped(way, run) -> None:
    config = config_of(*way)
    whole = run(config)
    assert len(whole.reports) >= 3
    for after in range(1, len(whole.reports) + 1):
        first = run(config, after=after)
        rest = run(config, checkpoint=first.checkpoints[-1])
        assert told(first) + told(rest) == told(whole)
        assert rest.predictions == whole.predictions
        kept = weights(rest) if rest.checkpoints else weights(first)
        assert all(torch.equal(kept[name], value) for name, value in weights(whole).items())
        timed = ("samples_per_second", "latency_seconds", "peak_memory_bytes")
        for name in rest.finished.keys() - timed:
            assert rest.finished[name] == whole.finished[name], name


def test_a_chain_of_interruptions_is_no_different(run) -> None:
    config = config_of("adamw", "cosine", 2)
    whole, checkpoint, reports = run(config), None, []
    while len(reports) < len(whole.reports):
        part = run(config, after=1, checkpoint=checkpoint)
        checkpoint, reports = part.checkpoints[-1], reports + told(part)
    assert reports == told(whole)
    last = run(config, checkpoint=checkpoint)
    assert last.reports == []
    assert last.predictions == whole.predictions


def test_checkpoints_come_every_so_often_and_at_the_end(run) -> None:
    def kept(config: TrainingConfig) -> list[int]:
        return [message.epoch for message in run(config).messages if message.checkpoint]

    assert kept(TrainingConfig(epochs=5, checkpoint_every=2)) == [2, 4, 5]
    stopped = config_of("adam", "constant", 2, checkpoint_every=100)
    assert kept(stopped) == [len(run(stopped).reports)]


def test_a_checkpoint_says_what_it_takes_to_open_it(run) -> None:
    folder = run(config_of("adam", "constant", 2)).checkpoints[-1]
    assert json.loads((folder / "config.json").read_text())["warmup_share"] == 0.2
    assert json.loads((folder / "preprocessing.json").read_text()) == {"features": 5}
    training = torch.load(folder / "training.pt", weights_only=True)
    assert training["progress"]["kept_epoch"] < training["progress"]["epochs_done"]
    assert training["last"].keys() == torch.load(folder / "model.pt", weights_only=True).keys()
