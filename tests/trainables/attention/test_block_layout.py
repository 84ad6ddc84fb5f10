from __future__ import annotations

import hypothesis.strategies as st
import torch
from hypothesis import given, settings

from trainables.attention import block_layout
from trainables.attention.block_layout import BlockLayout, BlockLists

CPU = torch.device("cpu")


@settings(max_examples=40)
@given(lengths=st.lists(st.integers(0, 20), min_size=1, max_size=5), size=st.integers(1, 9))
def test_rows_come_back_and_no_block_holds_two_samples(lengths: list[int], size: int) -> None:
    layout = BlockLayout.of(lengths, size, CPU)
    rows = torch.arange(1.0, sum(lengths) + 1).unsqueeze(1)
    laid = layout.spread(rows)
    assert torch.equal(layout.collect(laid), rows)
    assert torch.equal(laid.squeeze(2) > 0, layout.valid)
    start = 0
    for blocks, places, sample in zip(
        laid.split(layout.counts),
        layout.places.split(layout.counts),
        rows.split(lengths),
        strict=True,
    ):
        kept = blocks.flatten()[: len(sample)]
        assert torch.equal(kept, sample.flatten())
        assert places.flatten().tolist() == list(range(len(blocks) * size))
        start += len(sample)


@settings(max_examples=40)
@given(rows=st.lists(st.sets(st.integers(0, 6), min_size=1), min_size=1, max_size=7))
def test_lists_keep_each_querys_keys_and_the_order_of_the_pairs(rows: list[set[int]]) -> None:
    pairs = [(query, key) for query, keys in enumerate(rows) for key in sorted(keys)]
    given = torch.tensor(pairs)
    lists = BlockLists.of(given[:, 0], given[:, 1], len(rows))
    found: dict[int, list[int]] = {}
    for queries, keys, order in lists.split():
        assert torch.equal(given[order.flatten()][:, 1], keys.flatten())
        found |= dict(zip(queries.tolist(), keys.tolist(), strict=True))
    assert [set(found[query]) for query in range(len(rows))] == rows
    assert lists.pairs == len(pairs)
    results = [queries.unsqueeze(1) for queries, _, _ in lists.split()]
    assert torch.equal(lists.join(results).squeeze(1), torch.arange(len(rows)))


def test_large_groups_come_in_parts(monkeypatch, make_layer, make_rows) -> None:
    rows, lengths = make_rows((70,)), (70,)
    layer = make_layer("lspg")
    whole = layer(rows, lengths)
    monkeypatch.setattr(block_layout, "MOST_PAIRS", 5)
    lists = BlockLists.of(*torch.ones(7, 7).nonzero().unbind(1), 7)
    assert [tuple(keys.shape) for _, keys, _ in lists.split()] == [(1, 7)] * 7
    torch.testing.assert_close(layer(rows, lengths), whole)
