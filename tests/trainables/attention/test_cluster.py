from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from trainables.attention import ATTENTIONS, load_attention
from trainables.attention.blocks import AttentionOptions
from trainables.attention.cluster import ClusterAttention
from trainables.attention.dense import DenseAttention
from trainables.attention.kmeans import cluster_rows
from trainables.attention.ragged import sample_of_rows
from trainables.flops import count_flops

WIDTH, HEADS = 16, 4
LENGTHS = [(1,), (2,), (5,), (33,), (64, 64), (7, 0, 40, 1, 12), (0,), (3, 3, 3)]


def make(cls: type, **options: object) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(1)
    layer = cls(WIDTH, HEADS, **options).double()
    for parameter in layer.parameters():
        with torch.no_grad():
            parameter.normal_(0, 0.4, generator=generator)
    return layer


def tokens(lengths: tuple[int, ...]) -> Tensor:
    generator = torch.Generator().manual_seed(sum(lengths))
    return torch.randn(sum(lengths), WIDTH, dtype=torch.float64, generator=generator)


def masked_oracle(layer: torch.nn.Module, rows: Tensor, labels: Tensor) -> Tensor:
    """Attend with an n x n mask over everything: slow and obvious."""
    q, k, v = layer.qkv(rows).view(len(rows), 3, HEADS, WIDTH // HEADS).permute(1, 2, 0, 3)
    scores = q @ k.transpose(1, 2) / math.sqrt(WIDTH // HEADS)
    scores = scores.masked_fill(labels[:, None] != labels[None, :], -math.inf)
    return layer.out((scores.softmax(-1) @ v).transpose(0, 1).reshape(len(rows), WIDTH))


def with_gradients(layer: torch.nn.Module, rows: Tensor, run: object) -> list[Tensor]:
    rows = rows.clone().requires_grad_()
    out = run(rows)
    weight = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape)
    inputs = [rows, *layer.parameters()]
    gradients = torch.autograd.grad((out * weight).sum(), inputs, allow_unused=True)
    zeros = [torch.zeros_like(one) for one in inputs]
    found = zip(gradients, zeros, strict=True)
    return [out, *(zero if g is None else g for g, zero in found)]


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("clusters", [1, 2, 3, 7, 8, 16, 100, "auto"])
def test_equals_the_masked_product_in_values_and_gradients(lengths, clusters) -> None:
    layer = make(ClusterAttention, clusters=clusters, iterations=3)
    rows = tokens(lengths)
    with torch.no_grad():
        labels = cluster_rows(layer._mean_queries(rows), lengths, clusters, 3)
    fast = with_gradients(layer, rows, lambda x: layer(x, lengths))
    slow = with_gradients(layer, rows, lambda x: masked_oracle(layer, x, labels))
    for one, other in zip(fast, slow, strict=True):
        assert torch.isfinite(one).all()
        torch.testing.assert_close(one, other, atol=1e-10, rtol=0)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_one_cluster_is_dense_attention(lengths) -> None:
    dense = make(DenseAttention).float()
    cluster = make(ClusterAttention, clusters=1, iterations=3).float()
    rows = tokens(lengths).float()
    torch.testing.assert_close(cluster(rows, lengths), dense(rows, lengths), atol=1e-5, rtol=0)


def test_dense_is_one_sdpa_over_each_sample() -> None:
    layer, lengths = make(DenseAttention), (5, 0, 9, 5)
    rows = tokens(lengths)
    found = layer(rows, lengths).split(lengths)
    for part, out in zip(rows.split(lengths), found, strict=True):
        q, k, v = layer.qkv(part).view(len(part), 3, HEADS, WIDTH // HEADS).permute(1, 2, 0, 3)
        mixed = scaled_dot_product_attention(q, k, v).transpose(0, 1).reshape(len(part), WIDTH)
        torch.testing.assert_close(out, layer.out(mixed))


@pytest.mark.parametrize("name", sorted(ATTENTIONS))
def test_samples_never_mix(name) -> None:
    options = AttentionOptions(width=WIDTH, heads=HEADS, clusters=3)
    layer = load_attention(name).build(options).double()
    lengths = (9, 6, 20)
    rows = tokens(lengths)
    changed = rows.clone()
    changed[9:15] += 5
    before, after = layer(rows, lengths).split(lengths), layer(changed, lengths).split(lengths)
    torch.testing.assert_close(before[0], after[0], atol=1e-12, rtol=0)
    torch.testing.assert_close(before[2], after[2], atol=1e-12, rtol=0)
    assert not torch.allclose(before[1], after[1])


def test_pairs_outside_a_cluster_are_not_computed() -> None:
    rows, lengths = tokens((256,)), (256,)
    dense = count_flops(lambda: make(DenseAttention)(rows, lengths))
    layer = make(ClusterAttention, clusters=8, iterations=3)
    sizes = [size for count, size in layer.plan(rows, lengths).groups for _ in range(count)]
    assert len(sizes) > 4
    pairs = sum(size**2 for size in sizes)
    routing = 2 * 256 * WIDTH * (WIDTH // HEADS)
    kmeans = count_flops(lambda: layer.plan(rows, lengths)) - routing
    sparse = count_flops(lambda: layer(rows, lengths)) - routing - kmeans
    assert dense - sparse == 4 * WIDTH * (256**2 - pairs)


def test_labels_are_not_shared_by_samples() -> None:
    lengths = (4, 0, 6, 1)
    labels = cluster_rows(tokens(lengths), lengths, 3, 2)
    owners = sample_of_rows(lengths, labels.device)
    for label in labels.unique():
        assert len(owners[labels == label].unique()) == 1


def test_an_unknown_attention_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="cluster, dense"):
        load_attention("sparse")
