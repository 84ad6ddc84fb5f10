from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from trainables.attention import ATTENTIONS, load_attention
from trainables.bench.attention.oracles import ORACLES, load_oracle
from trainables.flops import count_flops

NAMES = sorted(ATTENTIONS)
WITH_A_CROSSOVER = ("balanced", "cluster")
LENGTHS = [(1,), (2,), (5,), (33,), (64, 64), (7, 0, 40, 1, 12), (0,), (3, 3, 3), (130, 70)]
CLOSE = {"atol": 1e-10, "rtol": 0}

every = pytest.mark.parametrize("name", NAMES)
every_way = pytest.mark.parametrize(
    ("name", "exact"),
    [(name, True) for name in NAMES] + [(name, False) for name in WITH_A_CROSSOVER],
)
everywhere = pytest.mark.parametrize("lengths", LENGTHS, ids=str)


def oracle_of(name, layer, rows: Tensor, lengths) -> tuple[Tensor, int]:
    """Run the slow definition sample by sample; also count the pairs of one head."""
    outputs, pairs = [rows[:0]], 0.0
    for sample in rows.split(lengths):
        if len(sample):
            truth = load_oracle(name)(layer, sample)
            outputs.append(truth.output)
            pairs += 0 if truth.allowed is None else truth.allowed.sum().item() / layer.heads
    return torch.cat(outputs), pairs


def with_gradients(layer, rows: Tensor, run) -> list[Tensor]:
    rows = rows.clone().requires_grad_()
    out = run(rows)
    weight = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    inputs = [rows, *(p for p in layer.parameters() if p.requires_grad)]
    found = torch.autograd.grad((out * weight).sum(), inputs, allow_unused=True)
    pairs = zip(found, inputs, strict=True)
    return [out, *(torch.zeros_like(one) if g is None else g for g, one in pairs)]


def test_every_attention_has_an_oracle() -> None:
    assert sorted(ORACLES) == NAMES


@every_way
@everywhere
def test_equals_its_definition_in_values_and_gradients(
    name, lengths, exact, make_layer, make_rows
) -> None:
    layer, rows = make_layer(name, exact_clusters=exact), make_rows(lengths)
    fast = with_gradients(layer, rows, lambda x: layer(x, lengths))
    slow = with_gradients(layer, rows, lambda x: oracle_of(name, layer, x, lengths)[0])
    for one, other in zip(fast, slow, strict=True):
        assert torch.isfinite(one).all()
        torch.testing.assert_close(one, other, **CLOSE)


@pytest.mark.slow
@every
def test_gradients_agree_with_finite_differences(name, make_layer, make_rows) -> None:
    lengths = (11, 0, 6)
    layer, rows = make_layer(name, exact_clusters=True), make_rows(lengths)
    rows.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: layer(x, lengths), rows, eps=1e-7, atol=1e-5)


@every_way
@everywhere
def test_the_account_agrees_with_a_counter(name, lengths, exact, make_layer, make_rows) -> None:
    layer, rows = make_layer(name, exact_clusters=exact), make_rows(lengths)
    with torch.no_grad():
        work = layer.work(rows, lengths)
        assert work.flops == count_flops(lambda: layer(rows, lengths))
        assert work.pairs >= oracle_of(name, layer, rows, lengths)[1] * (1 - 1e-12)
    assert math.isnan(work.clusters) if not sum(lengths) else work.clusters >= 1


@every
def test_padding_is_never_read(name, make_layer) -> None:
    layer = make_layer(name, exact_clusters=True)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(3, 40, 16, dtype=torch.float64, generator=generator)
    valid = torch.arange(40) < torch.tensor([25, 40, 0])[:, None]
    found = layer.padded(tokens, valid)
    spoilt = layer.padded(tokens.masked_fill(~valid[..., None], math.nan), valid)
    alone = layer(tokens[0, :25], (25,))
    torch.testing.assert_close(spoilt, found, rtol=0, atol=0)
    torch.testing.assert_close(found[0, :25], alone, **CLOSE)
    assert (found[~valid] == 0).all()


@every
def test_samples_never_mix(name, make_layer, make_rows) -> None:
    layer, lengths = make_layer(name, exact_clusters=True), (9, 6, 20)
    rows = make_rows(lengths)
    changed = rows.clone()
    changed[9:15] += 5
    before, after = layer(rows, lengths).split(lengths), layer(changed, lengths).split(lengths)
    torch.testing.assert_close(before[0], after[0], **CLOSE)
    torch.testing.assert_close(before[2], after[2], **CLOSE)
    assert not torch.allclose(before[1], after[1])


@every
def test_draws_nothing_from_torchs_own_generator(name, make_layer, make_rows) -> None:
    layer = make_layer(name, exact_clusters=True)
    state = torch.random.get_rng_state()
    first = layer.train()(make_rows((30, 9)), (30, 9))
    assert torch.equal(state, torch.random.get_rng_state())
    again = make_layer(name, exact_clusters=True).train()(make_rows((30, 9)), (30, 9))
    assert torch.equal(first, again)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@every
def test_a_gpu_gives_what_the_cpu_gives(name, make_layer, make_rows) -> None:
    layer, lengths = make_layer(name, exact_clusters=True), (130, 0, 70)
    rows = make_rows(lengths)
    slow = layer(rows, lengths)
    fast = layer.cuda()(rows.cuda(), lengths)
    torch.testing.assert_close(fast.cpu(), slow, atol=1e-8, rtol=0)


def test_an_unknown_attention_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="cluster, dense"):
        load_attention("sparse")
