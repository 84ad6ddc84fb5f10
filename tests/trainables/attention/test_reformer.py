from __future__ import annotations

import math

import torch

from trainables.attention.reformer import ReformerAttention
from trainables.bench.attention.oracles.reformer import oracle
from trainables.bench.attention.oracles.truth import masked_softmax, project


def with_rounds(rounds: int, like: ReformerAttention) -> ReformerAttention:
    """Build a layer with the same weights and the first rounds' rotations."""
    layer = ReformerAttention(16, 4, tokens=256, chunk=like.chunk, rounds=rounds).double().eval()
    state = like.state_dict()
    layer.load_state_dict(state | {"rotations": state["rotations"][:, :, :rounds]})
    return layer


def test_a_key_is_its_query_at_unit_length(make_layer, make_rows) -> None:
    q, k, _ = project(make_layer("reformer"), make_rows((12,)))
    torch.testing.assert_close(k, q / q.norm(dim=-1, keepdim=True))


def test_more_rounds_come_nearer_to_dense_attention(make_layer, make_rows) -> None:
    most = ReformerAttention(16, 4, tokens=256, chunk=8, rounds=32).double()
    most.load_state_dict(make_layer("reformer").state_dict() | {"rotations": most.rotations})
    rows, errors = make_rows((96,)), []
    truth = masked_softmax(most, rows, ~torch.eye(96, dtype=torch.bool)).output
    for rounds in (1, 2, 4, 8, 16, 32):
        found = with_rounds(rounds, most)(rows, (96,))
        errors.append((found - truth).square().mean().sqrt().item())
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < errors[0] / 4


def test_a_pair_that_several_rounds_find_counts_once(make_layer, make_rows) -> None:
    layer, rows = make_layer("reformer", block_size=8), make_rows((30,))
    two = with_rounds(2, layer)
    layer.rotations.copy_(layer.rotations[:, :, [0, 1, 0, 0]])
    torch.testing.assert_close(layer(rows, (30,)), two(rows, (30,)))


def test_a_token_attends_to_itself_only_when_alone(make_layer, make_rows) -> None:
    layer, rows = make_layer("reformer"), make_rows((1, 2))
    values = layer.out(layer.qkv(rows)[:, 32:])
    torch.testing.assert_close(layer(rows, (1, 2)), values[[0, 2, 1]])
    single = with_rounds(1, make_layer("reformer", block_size=4))
    allowed = oracle(single, make_rows((60,))).allowed
    itself = allowed.diagonal(dim1=1, dim2=2)
    assert itself.any()
    assert (allowed.sum(-1)[itself] == 1).all()
    assert allowed.any(-1).all()


def test_equal_tokens_in_one_bucket_see_two_chunks(make_layer) -> None:
    rows = torch.ones(40, 16, dtype=torch.float64)
    allowed = oracle(make_layer("reformer", block_size=8), rows).allowed
    assert allowed[0].sum(-1).tolist() == [7] * 8 + [15] * 32


def test_buckets_follow_the_chunks() -> None:
    layer = ReformerAttention(16, 4, tokens=65536)
    for tokens in (65, 128, 500, 1024, 4096, 5000, 65536):
        factors = layer.layout(tokens).factors
        assert all(factor == 1 or factor % 2 == 0 for factor in factors)
        assert 0.5 <= math.prod(factors) * 64 / tokens <= 2
    assert layer.layout(64).factors == (1, 1)
    assert layer.layout(10**6).factors == layer.layout(65536).factors


def test_work_grows_slower_than_n_to_the_power_of_1_1(make_layer) -> None:
    layer = make_layer("reformer", block_size=64, tokens=65536)
    flops = [layer.work(torch.empty(n, 16), (n,)).flops for n in (512, 65536)]
    assert math.log(flops[1] / flops[0]) / math.log(128) < 1.1
