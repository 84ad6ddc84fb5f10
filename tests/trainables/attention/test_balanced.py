from __future__ import annotations

import math

import torch

from trainables.flops import count_flops


def test_auto_cuts_leaves_of_the_size_asked_for(make_layer, make_rows) -> None:
    layer = make_layer("balanced", clusters="auto", block_size=8, exact_clusters=True)
    rows = make_rows((64,))
    assert layer.plan(rows, (64,)).groups == ((8, 8),)
    assert layer.work(rows, (64,)).clusters == 8


def test_work_grows_as_n_log_n(make_layer, make_rows) -> None:
    layer = make_layer("balanced", clusters="auto", block_size=16)
    counts = [256 << step for step in range(4)]
    flops = [layer.work(make_rows((n,)), (n,)).flops for n in counts]
    log_growth = math.log(flops[-1] / flops[0]) / math.log(counts[-1] / counts[0])
    assert 1 <= log_growth < 1.05


def test_below_the_crossover_it_is_dense_and_says_so(make_layer, make_rows) -> None:
    layer, lengths = make_layer("balanced", clusters="auto", block_size=16), (191, 192)
    assert layer.counts(lengths) == [1, 12]
    rows = make_rows((191,))
    assert layer.work(rows, (191,)).clusters == 1
    torch.testing.assert_close(layer(rows, (191,)), make_layer("dense")(rows, (191,)))
    planned = count_flops(lambda: layer(rows, (191,)))
    assert planned == count_flops(lambda: make_layer("dense")(rows, (191,)))
