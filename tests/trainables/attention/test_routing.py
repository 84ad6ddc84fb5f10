from __future__ import annotations

import math

import torch
from torch.nn.functional import normalize

from trainables.bench.attention.oracles.routing import oracle
from trainables.bench.attention.oracles.truth import project


def test_one_centroid_is_dense_attention(make_layer, make_rows) -> None:
    rows, lengths = make_rows((7, 0, 40)), (7, 0, 40)
    layer, dense = make_layer("routing", clusters=1), make_layer("dense")
    dense.load_state_dict(layer.state_dict(), strict=False)
    torch.testing.assert_close(layer(rows, lengths), dense(rows, lengths))


def test_centroids_share_a_sample_equally(make_layer, make_rows) -> None:
    layer = make_layer("routing", clusters="auto", tokens=100)
    assert layer.centroids.shape == (4, 10, 4)
    routes = [layer.routes(n) for n in (1, 2, 20, 100, 1000)]
    assert routes == [(1, 1), (1, 2), (4, 5), (10, 10), (10, 100)]
    assert make_layer("routing", clusters=8).routes(5) == (5, 1)
    work = layer.work(make_rows((20, 0, 100)), (20, 0, 100))
    assert (work.pairs, work.clusters) == (4 * 5**2 + 10 * 10**2, 7)


def test_a_query_that_no_centroid_takes_gets_nothing(make_layer, make_rows) -> None:
    layer, rows = make_layer("routing", clusters=6), make_rows((40,))
    taken = oracle(layer, rows).allowed.any(-1)  # (H, n)
    with torch.no_grad():
        layer.out.weight.copy_(torch.eye(16))
        layer.out.bias.zero_()
    mixed = layer(rows, (40,)).view(40, 4, 4).transpose(0, 1)
    assert not taken.all()
    assert torch.equal((mixed != 0).any(-1), taken)


def test_training_moves_centroids_after_it_used_them(make_layer, make_rows) -> None:
    layer, lengths = make_layer("routing", clusters=5), (30, 3, 30)
    rows, before = make_rows(lengths), layer.centroids.clone()
    frozen = layer(rows, lengths)
    assert torch.equal(layer.centroids, before)
    torch.testing.assert_close(layer.train()(rows, lengths), frozen, rtol=0, atol=0)
    sums = torch.zeros_like(before)
    for sample in rows.split(lengths):
        count, _ = layer.routes(len(sample))
        for points in project(layer, sample)[:2]:
            for head, point in ((h, p) for h in range(4) for p in normalize(points[h], dim=-1)):
                sums[head, (before[head, :count] @ point).argmax()] += point.detach()
    expected = normalize(0.999 * before + 0.001 * normalize(sums, dim=-1), dim=-1)
    torch.testing.assert_close(layer.centroids, expected)
    torch.testing.assert_close(layer.state_dict()["centroids"], expected)
    assert (layer.centroids != before).any(-1).any(-1).all()


def test_a_centroid_without_members_stays(make_layer) -> None:
    layer = make_layer("routing", clusters=3).train()
    before = layer.centroids.clone()
    layer(torch.ones(9, 16, dtype=torch.float64), (9,))
    moved = (layer.centroids - before).abs().amax(-1) > 1e-12
    assert (moved.sum(-1) <= 2).all()  # all queries are one point, and all keys
    assert moved.any()


def test_work_grows_as_n_to_the_power_of_1_5(make_layer) -> None:
    layer = make_layer("routing", clusters="auto", tokens=2**20)
    projections = [layer.projection_flops(4**power) for power in (5, 10)]
    flops = [layer.work(torch.empty(4**power, 16), (4**power,)).flops for power in (5, 10)]
    core = [one - other for one, other in zip(flops, projections, strict=True)]
    assert math.isclose(math.log(core[1] / core[0], 4) / 5, 1.5)
