from __future__ import annotations

import pytest
import torch

from trainables.attention.linformer import LinformerAttention
from trainables.seeding import stream


def with_rank(rank: int, like: torch.nn.Module, tokens: int) -> LinformerAttention:
    layer = LinformerAttention(16, 4, tokens=tokens, rank=rank).double()
    layer.load_state_dict(
        {name: one for name, one in like.state_dict().items() if name[:3] in ("qkv", "out")},
        strict=False,
    )
    return layer


def test_the_identity_of_full_rank_is_dense_attention(make_layer, make_rows) -> None:
    dense, rows = make_layer("dense"), make_rows((20, 20))
    layer = with_rank(20, dense, tokens=20)
    with torch.no_grad():
        layer.keys.copy_(torch.eye(20))
        layer.values.copy_(torch.eye(20))
    torch.testing.assert_close(layer(rows, (20, 20)), dense(rows, (20, 20)))


def test_pooling_tokens_that_agree_loses_nothing(make_layer, make_rows) -> None:
    dense, rows = make_layer("dense"), make_rows((8,)).repeat_interleave(4, 0)
    layer = with_rank(8, dense, tokens=32)
    with torch.no_grad():
        for projection in (layer.keys, layer.values):
            projection.copy_(torch.eye(8).repeat_interleave(4, 1) / 4)
    torch.testing.assert_close(layer(rows, (32,)), dense(rows, (32,)))


def test_the_rank_is_at_most_the_tokens() -> None:
    assert LinformerAttention(16, 4, tokens=10).keys.shape == (10, 10)
    assert LinformerAttention(16, 4, tokens=100).keys.shape == (64, 100)


def test_only_the_columns_of_tokens_that_are_there_learn(make_layer, make_rows) -> None:
    layer = make_layer("linformer")
    layer(make_rows((9, 30)), (9, 30)).square().sum().backward()
    for projection in (layer.keys, layer.values):
        assert (projection.grad[:, :30] != 0).all()
        assert (projection.grad[:, 30:] == 0).all()


def test_a_longer_sample_is_refused(make_layer, make_rows) -> None:
    layer = make_layer("linformer", tokens=12)
    with pytest.raises(ValueError, match=r"at most 12 tokens.* one has 13"):
        layer(make_rows((5, 13)), (5, 13))


def test_work_grows_as_n(make_layer, make_rows) -> None:
    layer = make_layer("linformer")
    once, twice = (layer.work(make_rows((n,)), (n,)) for n in (100, 200))
    assert (2 * once.pairs, 2 * once.flops) == (twice.pairs, twice.flops)


def test_the_projections_come_from_the_generator_and_keep_the_scale_of_values() -> None:
    layers = [LinformerAttention(16, 4, tokens=1000) for _ in range(2)]
    for layer in layers:
        layer.draw(stream(3, "weights"))
    assert torch.equal(layers[0].keys, layers[1].keys)
    assert not torch.equal(layers[0].keys, layers[0].values)
    assert layers[0].values.std().item() == pytest.approx(1064**-0.5, rel=0.02)
