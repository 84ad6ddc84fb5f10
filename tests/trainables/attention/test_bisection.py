from __future__ import annotations

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch import Tensor

from trainables.attention.axis import main_axis
from trainables.attention.bisection import bisect_rows, leaf_count
from trainables.seeding import stream


def points(count: int, *, spread: float = 1.0) -> Tensor:
    drawn = torch.randn(count, 4, generator=stream(count, "points"), dtype=torch.float64)
    return drawn * torch.tensor([spread**3, spread**2, spread, 1.0], dtype=torch.float64)


def leaves_of(rows: Tensor, lengths: list[int], counts: list[int]) -> list[set[int]]:
    order, groups = bisect_rows(rows, lengths, counts)
    waiting, leaves = [] if order is None else order.tolist(), []
    for count, size in groups:
        for _ in range(count):
            leaves.append(set(waiting[:size]))
            waiting = waiting[size:]
    assert not waiting
    return sorted(leaves, key=min)


def slow(rows: Tensor, indices: list[int], count: int) -> list[set[int]]:
    """Cut recursively, one part at a time, along the axis of that part."""
    if count == 1:
        return [set(indices)] if indices else []
    part = rows[indices] - rows[indices].mean(0)
    along = (part @ main_axis(part[None])[0]).squeeze(-1).tolist()
    ranked = [index for _, index in sorted(zip(along, indices, strict=True))]
    sizes = [len(ranked) // count + (leaf < len(ranked) % count) for leaf in range(count)]
    leaves = (count + 1) // 2
    half = sum(sizes[:leaves])
    cut = [
        slow(rows, sorted(side), parts)
        for side, parts in ((ranked[:half], leaves), (ranked[half:], count - leaves))
    ]
    return sorted(cut[0] + cut[1], key=min)


@settings(max_examples=40)
@given(lengths=st.lists(st.integers(0, 40), min_size=1, max_size=5), wanted=st.integers(1, 40))
def test_equals_a_recursion_over_single_parts(lengths: list[int], wanted: int) -> None:
    rows = points(sum(lengths), spread=3.0)
    counts = [leaf_count(length, wanted) for length in lengths]
    expected, start = [], 0
    for length, count in zip(lengths, counts, strict=True):
        expected += slow(rows, list(range(start, start + length)), count)
        start += length
    assert leaves_of(rows, lengths, counts) == sorted(expected, key=min)


@given(tokens=st.integers(0, 10_000), wanted=st.floats(0, 10_000))
def test_there_are_as_many_leaves_as_wanted_and_fit(tokens: int, wanted: float) -> None:
    count = leaf_count(tokens, wanted)
    assert 1 <= count <= max(1, tokens)
    assert count in (1, tokens) or abs(count - wanted) <= 0.5


@pytest.mark.parametrize("count", [2, 3, 7, 16, 31])
def test_sizes_differ_by_one_at_most(count: int) -> None:
    leaves = leaves_of(points(77), [77], [count])
    assert len(leaves) == count
    assert {len(leaf) for leaf in leaves} <= {77 // count, 77 // count + 1}


def test_equal_points_are_cut_in_the_order_of_the_rows() -> None:
    leaves = leaves_of(torch.ones(8, 4), [8], [4])
    assert leaves == [{0, 1}, {2, 3}, {4, 5}, {6, 7}]


def test_two_clouds_are_told_apart() -> None:
    rows = points(32)
    rows[::2] += 50
    assert leaves_of(rows, [32], [2]) == [set(range(0, 32, 2)), set(range(1, 32, 2))]
