from __future__ import annotations

import torch

from trainables.smmt import Config
from trainables.smmt.learner import Learner

SMALL = {"width": 16, "heads": 2, "layers": 1, "batch_size": 4}


def make(shape, **values: object) -> Learner:
    return Learner(Config(**SMALL, **values), shape, seed=3, device=torch.device("cpu"))


def weights(learner: Learner) -> list[torch.Tensor]:
    return [value.clone() for value in learner.model.state_dict().values()]


def test_the_warm_up_changes_nothing(shape, batch) -> None:
    learner = make(shape)
    before = weights(learner)
    learner.warm_up(batch)
    assert all(map(torch.equal, before, weights(learner)))
    assert not any(optimiser.state for optimiser in learner.optimisers)
    untouched = make(shape)
    assert learner.train_epoch(batch, 0) == untouched.train_epoch(batch, 0)
    assert all(map(torch.equal, weights(learner), weights(untouched)))


def test_an_epoch_visits_every_sample_once(shape) -> None:
    order = make(shape)._order(10, epoch=2)
    assert sorted(order.tolist()) == list(range(10))
    assert order.tolist() != make(shape)._order(10, epoch=3).tolist()


def test_ranks_share_an_epoch_in_equal_parts(shape) -> None:
    learner = make(shape)
    learner.world_size = 4
    parts = []
    for learner.rank in range(4):
        parts.append(learner._order(10, epoch=0).tolist())
    assert {len(part) for part in parts} == {3}
    assert {row for part in parts for row in part} == set(range(10))


def test_the_gate_follows_the_penalty_in_a_hundred_steps(shape, make_batch) -> None:
    levels = []
    for penalty in (0.0, 0.1, 1.0):
        learner = make(shape, sparsity_penalty=penalty, attention="dense")
        side = make_batch(80)
        for epoch in range(5):
            learner.train_epoch(side, epoch)
        levels.append(learner.model.levels()[0].item())
    assert levels == sorted(levels, reverse=True)
    assert levels[0] > 1.5
    assert levels[-1] < -3


def test_the_level_alone_is_left_to_sgd(shape) -> None:
    adam, sgd = make(shape).optimisers
    assert [p.numel() for p in sgd.param_groups[0]["params"]] == [1]
    assert all(p.numel() > 1 for p in adam.param_groups[0]["params"])
    assert len(make(shape, sparsity_gate=False).optimisers) == 1
