from __future__ import annotations

import torch

from trainables.attention.kmeans import cluster_rows
from trainables.attention.ragged import sample_of_rows
from trainables.flops import count_flops


def test_one_cluster_is_dense_attention(make_layer, make_rows) -> None:
    dense, lengths = make_layer("dense"), (7, 0, 40)
    cluster = make_layer("cluster", clusters=1, exact_clusters=True)
    rows = make_rows(lengths)
    torch.testing.assert_close(cluster(rows, lengths), dense(rows, lengths))


def test_more_clusters_than_tokens_attend_to_themselves(make_layer, make_rows) -> None:
    layer, rows = make_layer("cluster", clusters=100, exact_clusters=True), make_rows((12,))
    assert layer.work(rows, (12,)).pairs == 12
    own_values = layer.out(layer.qkv(rows)[:, 32:])
    torch.testing.assert_close(layer(rows, (12,)), own_values)


def test_pairs_outside_a_cluster_are_not_computed(make_layer, make_rows) -> None:
    rows, lengths = make_rows((256,)), (256,)
    layer = make_layer("cluster", clusters=8)
    dense = count_flops(lambda: make_layer("dense")(rows, lengths))
    planning = count_flops(lambda: layer.plan(rows, lengths))
    sparse = count_flops(lambda: layer(rows, lengths)) - planning
    assert dense - sparse == 4 * 16 * (256**2 - layer.work(rows, lengths).pairs)


def test_below_the_crossover_it_is_dense_and_says_so(make_layer, make_rows) -> None:
    lengths = (255, 256)
    rows = make_rows(lengths)
    layer = make_layer("cluster", clusters=8)
    assert layer.counts(lengths) == [1, 8]
    assert 1 < layer.work(rows, lengths).clusters < 8
    exact = make_layer("cluster", clusters=8, exact_clusters=True)
    assert exact.counts(lengths) == [8, 8]
    small, whole = rows[:255], make_layer("dense")(rows[:255], (255,))
    torch.testing.assert_close(layer(small, (255,)), whole)
    assert not torch.allclose(exact(small, (255,)), whole)


def test_labels_are_not_shared_by_samples(make_rows) -> None:
    lengths = (4, 0, 6, 1)
    labels = cluster_rows(make_rows(lengths), lengths, [3, 1, 3, 1], 2)
    owners = sample_of_rows(lengths, labels.device)
    for label in labels.unique():
        assert len(owners[labels == label].unique()) == 1


def test_one_giant_cluster_takes_all_tokens(make_layer) -> None:
    rows = torch.ones(300, 16, dtype=torch.float64)
    layer = make_layer("cluster", clusters=8)
    work = layer.work(rows, (300,))
    assert (work.pairs, work.clusters) == (300**2, 1)
    torch.testing.assert_close(layer(rows, (300,)), make_layer("dense")(rows, (300,)))
