from __future__ import annotations

from collections import Counter

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from torch.utils._python_dispatch import TorchDispatchMode

from joulefront.testing import RecordingTrial
from trainables.training import TrainingConfig
from trainables.training.batches import epoch_order, nested_share
from trainables.training.learner import Learner


@given(samples=st.integers(1, 40), world_size=st.integers(1, 5), epoch=st.integers(0, 3))
def test_ranks_share_an_epoch_in_equal_parts(samples: int, world_size: int, epoch: int) -> None:
    ranks = range(world_size)
    parts = [
        epoch_order(samples, seed=3, epoch=epoch, rank=rank, world_size=world_size).tolist()
        for rank in ranks
    ]
    assert {len(part) for part in parts} == {-(-samples // world_size)}
    assert {row for part in parts for row in part} == set(range(samples))


def test_an_epoch_visits_every_sample_once_in_its_own_order() -> None:
    first, second = (epoch_order(30, seed=3, epoch=epoch).tolist() for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(30))
    assert first != second
    assert first != epoch_order(30, seed=4, epoch=0).tolist()


@given(
    ones=st.integers(1, 30),
    zeros=st.integers(1, 30),
    shares=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
)
def test_a_smaller_share_is_part_of_a_larger_one_and_keeps_the_classes(ones, zeros, shares) -> None:
    labels = torch.cat([torch.ones(ones), torch.zeros(zeros)]).long()
    small, large = (nested_share(labels, share, seed=1).tolist() for share in sorted(shares))
    assert set(small) <= set(large)
    assert small == sorted(small)
    for label, count in ((1, ones), (0, zeros)):
        kept = int((labels[small] == label).sum())
        assert kept == max(1, round(min(shares) * count))
    assert nested_share(labels, 1.0, seed=1).tolist() == list(range(ones + zeros))


def test_another_seed_takes_another_share() -> None:
    labels = torch.arange(40) % 2
    assert nested_share(labels, 0.5, 0).tolist() != nested_share(labels, 0.5, 1).tolist()


def test_rows_are_taken_of_every_tensor(points) -> None:
    side = points(10)
    for rows in ([3, 1], [9], list(range(3, 5))):
        taken = side.take(torch.tensor(rows))
        assert torch.equal(taken.values, side.take(rows).values)
        assert len(taken) == len(rows)
        for name in ("values", "there", "labels"):
            assert torch.equal(getattr(taken, name), getattr(side, name)[torch.tensor(rows)])


class Operations(TorchDispatchMode):
    """Counts operations by name, and the values that copies have moved."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()
        self.copied = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        found = function(*args, **(kwargs or {}))
        name = function.overloadpacket.__name__
        self.counts[name] += 1
        if name in ("_to_copy", "copy_", "clone", "stack", "cat"):
            self.copied += found.numel()
        return found


def test_a_step_is_fed_by_one_selection_of_each_tensor_and_no_copy(points, small) -> None:
    side, rows = points(40), torch.arange(8)
    with Operations() as taking:
        side.take(rows)
    assert taking.counts == {"index_select": 3}


@pytest.mark.parametrize("samples", [16, 160])
def test_an_epoch_copies_nothing_that_grows_with_the_data(samples: int, points, small) -> None:
    config = TrainingConfig(batch_size=8)
    learner = Learner(config, small(), points(samples), RecordingTrial())
    with Operations() as epoch:
        learner.train_epoch(0)
    steps = samples // 8
    assert epoch.counts["index_select"] == 3 * steps
    assert epoch.copied <= 60 * steps
