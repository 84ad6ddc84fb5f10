from __future__ import annotations

import pytest
import torch

from joulefront.testing import RecordingTrial
from trainables.training import TrainingConfig
from trainables.training.learner import Learner
from trainables.training.optimisers import build_optimisers, parameters_of


@pytest.fixture
def make(small, points):
    def call(**values: object) -> Learner:
        config = TrainingConfig(**{"batch_size": 4, **values})
        return Learner(config, small(), points(22), RecordingTrial(seed=3))

    return call


def weights(learner: Learner) -> list[torch.Tensor]:
    return [value.clone() for value in learner.model.state_dict().values()]


def test_the_warm_up_changes_nothing(make) -> None:
    learner, untouched = make(), make()
    before = weights(learner)
    learner.warm_up()
    assert all(map(torch.equal, before, weights(learner)))
    assert not any(optimiser.state for optimiser in learner.optimisers)
    assert learner.train_epoch(0) == untouched.train_epoch(0)
    assert all(map(torch.equal, weights(learner), weights(untouched)))


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_what_a_model_keeps_for_itself_is_stepped_once(name: str, small) -> None:
    model = small()
    loops, own = build_optimisers(model, TrainingConfig(optimiser=name))
    assert {id(p) for p in parameters_of(loops)} == {id(model.weight), id(model.bias)}
    assert parameters_of(own) == [model.level]
    assert loops.defaults["fused"] is True


def test_an_epoch_with_plain_sgd_is_the_formula(make, points) -> None:
    config = {"optimiser": "sgd", "learning_rate": 0.1, "weight_decay": 0.01, "batch_size": 22}
    learner = make(**config)
    start = learner.model.weight.detach().clone()
    learner.train_epoch(0)
    gradient = learner.model.weight.grad
    torch.testing.assert_close(learner.model.weight, start - 0.1 * (gradient + 0.01 * start))


def test_the_gradient_is_clipped_but_not_that_of_the_price(make) -> None:
    free, clipped = make(batch_size=22), make(batch_size=22, clip_norm=1e-3)
    for learner in (free, clipped):
        learner.train_epoch(0)

    def norm(learner: Learner) -> float:
        return torch.cat([learner.model.weight.grad.flatten(), learner.model.bias.grad]).norm()

    assert norm(free) > 0.01
    assert norm(clipped) == pytest.approx(1e-3, rel=1e-3)
    assert clipped.model.level.grad == free.model.level.grad


def test_the_rate_follows_the_schedule_and_leaves_the_own_optimiser_alone(make) -> None:
    learner = make(epochs=2, schedule="linear", learning_rate=1.0)
    learner.train_epoch(1)  # the last of its 6 steps a pass
    loops, own = (optimiser.param_groups[0]["lr"] for optimiser in learner.optimisers)
    assert loops == pytest.approx(1 / 12)
    assert own == 0.1


def test_class_counts_are_those_of_the_training_side(small, points) -> None:
    side = points(22).take([0, 2, 4, 1])  # three of class 0, one of class 1
    config = TrainingConfig(class_weights="balanced")
    learner = Learner(config, small(), side, RecordingTrial())
    assert learner.loss.keywords["weights"].tolist() == [0.5, 1.5]


def test_the_penalty_is_learned_from_and_not_told(make) -> None:
    priced = make(learning_rate=1e-9)
    told = priced.train_epoch(0)
    assert priced.model.level < 0
    assert told < 1.5


def test_bfloat16_is_asked_for_and_not_the_default(make) -> None:
    plain, mixed = make(), make(precision="bf16")
    losses = [plain.train_epoch(0), mixed.train_epoch(0)]
    assert losses[0] != losses[1]
    assert losses[0] == pytest.approx(losses[1], rel=0.05)
    assert make(precision="fp32").train_epoch(0) == losses[0]


def test_behind_an_epoch_every_rank_has_the_buffers_of_the_first(make, monkeypatch) -> None:
    learner, sent = make(), []
    monkeypatch.setattr("torch.distributed.all_reduce", lambda sums: sums.mul_(2))
    monkeypatch.setattr("torch.distributed.broadcast", lambda value, src: sent.append((value, src)))
    learner.world_size = 2
    learner.train_epoch(0)
    assert [(value is learner.model.seen, source) for value, source in sent] == [(True, 0)]
    assert learner.model.seen == 11
