from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from trainables.attention.lspg import LearnedPatternAttention
from trainables.bench.attention.oracles.lspg import oracle
from trainables.flops import count_flops
from trainables.seeding import stream

LENGTHS = (72, 64, 40)
PATTERN = ("level", "near", "direction")


class DetachedGate(LearnedPatternAttention):
    """The mutant: an estimator that lets no gradient through."""

    def probability(self, scores: Tensor, own: Tensor) -> Tensor:
        return super().probability(scores, own).detach()


def built(kind: type[LearnedPatternAttention], level: float | None = None):
    layer = kind(16, 4, block=8).double()
    generator = stream(1, "weights")
    with torch.no_grad():
        for linear in (layer.qkv, layer.out):
            linear.weight.normal_(0, 0.4, generator=generator)
        layer.strength.copy_(torch.tensor([-3.0, -0.5, 0.5, 3.0]))
        layer.gain.copy_(torch.tensor([1.0, 2.0, 0.5, 4.0]))
        if level is not None:
            layer.level.fill_(level)
    return layer


def trained(kind: type[LearnedPatternAttention], price: float, rows: Tensor, *, steps: int):
    """Train on a target that attention can learn, with the optimisers that the model has."""
    layer = kind(16, 4, block=8).double()
    generator = stream(1, "weights")
    with torch.no_grad():
        for linear in (layer.qkv, layer.out):
            linear.weight.normal_(0, 0.3, generator=generator)
    others = [p for name, p in layer.named_parameters() if name != "level"]
    optimisers = [torch.optim.Adam(others, 1e-3), torch.optim.SGD([layer.level], 0.4, 0.9)]
    target = torch.cat([one.roll(1, 0) for one in rows.split(LENGTHS)])
    for _ in range(steps):
        for optimiser in optimisers:
            optimiser.zero_grad()
        loss = mse_loss(layer(rows, LENGTHS), target)
        (loss + price * layer.expected_share).backward()
        for optimiser in optimisers:
            optimiser.step()
    return layer


@pytest.mark.parametrize("level", [-20.0, -1.0, 0.0, 1.0, 20.0])
def test_equals_its_definition_at_every_level_with_gradients(level: float, make_rows) -> None:
    layer, rows = built(LearnedPatternAttention, level), make_rows(LENGTHS)
    fast = layer(rows, LENGTHS)
    slow = torch.cat([oracle(layer, one).output for one in rows.split(LENGTHS)])
    torch.testing.assert_close(fast, slow, atol=1e-10, rtol=0)
    weight = torch.linspace(-1, 1, fast.numel(), dtype=fast.dtype).view(fast.shape)
    gradients = [
        torch.autograd.grad((one * weight).sum(), list(layer.parameters()), allow_unused=True)
        for one in (fast, slow)
    ]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, torch.zeros_like(one) if other is None else other)


def test_blocks_that_are_off_are_not_computed(make_rows) -> None:
    rows, flops, pairs = make_rows(LENGTHS), [], []
    for level in (20.0, 0.0, -20.0):
        layer = built(LearnedPatternAttention, level)
        flops.append(count_flops(lambda layer=layer: layer(rows, LENGTHS)))
        pairs.append(layer.work(rows, LENGTHS).pairs)
        assert flops[-1] == layer.work(rows, LENGTHS).flops
    assert pairs[0] == sum(length**2 for length in LENGTHS)
    assert pairs[2] == sum(LENGTHS) * 8
    assert pairs[0] > 1.3 * pairs[1] > 2 * pairs[2]
    assert flops[0] - flops[2] == 2 * (2 * 16 + 4) * (pairs[0] - pairs[2])


def test_all_on_and_without_correction_it_is_dense(make_layer, make_rows) -> None:
    layer, dense, rows = built(LearnedPatternAttention, 40.0), make_layer("dense"), make_rows((37,))
    torch.nn.init.zeros_(layer.strength)
    dense.load_state_dict({k: v for k, v in layer.state_dict().items() if k[:3] in ("qkv", "out")})
    torch.testing.assert_close(layer(rows, (37,)), dense(rows, (37,)))


def test_the_share_computed_is_the_share_expected(make_rows) -> None:
    rows = make_rows((320,))
    for level in (-2.0, 0.0, 2.0):
        layer = built(LearnedPatternAttention, level)
        layer(rows, (320,))
        assert abs(layer.work(rows, (320,)).pairs / 320**2 - layer.expected_share.item()) < 0.01


def test_the_correction_is_never_negative_and_sharpens_or_flattens() -> None:
    layer = built(LearnedPatternAttention)
    weights = torch.tensor([0.6, 0.3, 0.1], dtype=torch.float64).expand(4, 2, 3)
    found = layer.correct(weights, torch.full((4, 1, 1), 3), torch.arange(4))
    assert (found >= 0).all()
    found = found / found.sum(-1, keepdim=True)
    flat, sharp = found[0, 0], found[3, 0]
    assert flat[0] < 0.6 < sharp[0]
    assert sharp[2] == 0 < flat[2]


def test_the_task_reaches_the_pattern_unless_the_gate_is_detached(make_rows) -> None:
    rows = make_rows(LENGTHS)
    for kind, reached in ((LearnedPatternAttention, True), (DetachedGate, False)):
        layer = built(kind)
        layer(rows, LENGTHS).square().sum().backward()
        for name in PATTERN:
            gradient = getattr(layer, name).grad
            assert (gradient is not None and bool(gradient.abs().sum() > 0)) == reached


def test_the_price_moves_the_work_unless_the_gate_is_detached(make_rows) -> None:
    rows = make_rows(LENGTHS)
    start = LearnedPatternAttention(16, 4, block=8).double().work(rows, LENGTHS).flops
    free, dear = (trained(LearnedPatternAttention, price, rows, steps=60) for price in (0.0, 0.3))
    mutant = trained(DetachedGate, 0.3, rows, steps=60)
    assert dear.work(rows, LENGTHS).flops < 0.75 * start
    assert free.work(rows, LENGTHS).flops > 0.95 * start
    assert mutant.work(rows, LENGTHS).flops > 0.95 * start


def test_a_layer_can_be_copied_after_a_forward_pass(make_rows) -> None:
    layer, rows = built(LearnedPatternAttention), make_rows((20,))
    out = layer(rows, (20,))
    twin = copy.deepcopy(layer)
    assert layer.expected_share.requires_grad
    assert twin.expected_share is None
    assert torch.equal(twin(rows, (20,)), out)
