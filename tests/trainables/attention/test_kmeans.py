from __future__ import annotations

import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings

from trainables.attention.kmeans import cluster_count, cluster_rows


def points(count: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(count, 4, generator=torch.Generator().manual_seed(seed)).double()


def slow_lloyd(x: torch.Tensor, centroids: torch.Tensor, iterations: int) -> torch.Tensor:
    for _ in range(iterations):
        labels = torch.cdist(x, centroids).argmin(1)
        for label in labels.unique():
            centroids[label] = x[labels == label].mean(0)
    return torch.cdist(x, centroids).argmin(1)


@given(tokens=st.integers(0, 5000), clusters=st.one_of(st.integers(1, 64), st.just("auto")))
def test_count_is_clamped(tokens: int, clusters: int | str) -> None:
    count = cluster_count(tokens, clusters)
    assert 1 <= count <= max(1, tokens)
    if clusters == "auto" and tokens > 0:
        assert count == max(1, round(math.log2(tokens)))


@pytest.mark.parametrize("iterations", [0, 1, 3, 10])
@pytest.mark.parametrize("clusters", [2, 5])
def test_equals_a_slow_lloyd_from_the_same_seeds(iterations: int, clusters: int) -> None:
    x = points(60)
    centred = x - x.mean(0)
    axis = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -1]
    x = x + 50 * (centred @ axis)[:, None] * axis  # a clear leading direction
    order = ((x - x.mean(0)) @ axis).argsort()
    places = (2 * torch.arange(clusters) + 1) * 60 // (2 * clusters)
    found = cluster_rows(x, (60,), [clusters], iterations)
    expected = [slow_lloyd(x, x[o[places]].clone(), iterations) for o in (order, order.flip(0))]
    partition = found[:, None] == found[None, :]
    assert any(torch.equal(partition, e[:, None] == e[None, :]) for e in expected)


@settings(max_examples=30)
@given(lengths=st.lists(st.integers(0, 20), min_size=1, max_size=5), k=st.integers(1, 6))
def test_a_sample_is_clustered_alone_as_in_a_batch(lengths: list[int], k: int) -> None:
    rows = points(sum(lengths))
    counts = [cluster_count(length, k) for length in lengths]
    together = cluster_rows(rows, lengths, counts, 3).split(lengths)
    for part, labels, length in zip(rows.split(lengths), together, lengths, strict=True):
        alone = cluster_rows(part, (length,), [cluster_count(length, k)], 3)
        assert torch.equal(alone[:, None] == alone[None, :], labels[:, None] == labels[None, :])


def test_draws_no_random_numbers() -> None:
    state = torch.random.get_rng_state()
    first = cluster_rows(points(50), (20, 30), [4, 4], 3)
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.equal(first, cluster_rows(points(50), (20, 30), [4, 4], 3))


def test_equal_points_share_a_cluster_and_leave_the_others_empty() -> None:
    labels = cluster_rows(torch.ones(10, 4), (10,), [4], 3)
    assert len(labels.unique()) == 1


def test_separated_groups_are_found() -> None:
    centres = torch.tensor([[-90.0] * 4, [-30.0] * 4, [30.0] * 4, [90.0] * 4]).double()
    rows = centres.repeat_interleave(8, 0) + points(32)
    labels = cluster_rows(rows, (32,), [4], 3).view(4, 8)
    assert (labels == labels[:, :1]).all()
    assert len(labels[:, 0].unique()) == 4
