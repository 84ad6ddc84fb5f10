"""Balanced bisection: cut each sample's points in two, again and again, across their main axis.

A part that is to become k leaves is projected on its own approximate main axis and cut where
⌈k / 2⌉ leaves' worth of points lie left. The leaves of a sample differ in size by one at most.
O(n log k), no random numbers; of points that project alike the earlier rows go left. It is not
K-Means: a cut never moves again.

Shapes: `T` points of all samples, `P` parts, `M` slots of a part, `d` coordinates. A part's points
fill its first slots; an empty slot is zero.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from trainables.attention.axis import axis_flops, main_axis, project
from trainables.attention.blocks import BlockPlan

AXIS_POINTS = 128  # of a part, evenly spaced, tell its main axis


class _Part(NamedTuple):
    size: int  # points
    leaves: int  # that it is to become

    def halves(self) -> tuple[_Part, _Part]:
        """The left and the right half, whose leaves hold as many points, or one more."""
        each, more = divmod(self.size, self.leaves)
        leaves = (self.leaves + 1) // 2
        left = _Part(leaves * each + min(more, leaves), leaves)
        return left, _Part(self.size - left.size, self.leaves - leaves)


class _Parts(NamedTuple):
    points: Tensor  # (P, M, d)
    rows: Tensor  # (P, M) int64, where the points come from
    what: list[_Part]

    def chosen(self, places: list[int]) -> _Parts:
        """The parts at these places."""
        if len(places) == len(self.what):
            return self
        return _Parts(self.points[places], self.rows[places], [self.what[at] for at in places])


def leaf_count(tokens: int, wanted: float) -> int:
    """Return the nearest number of leaves in [1, max(1, tokens)]."""
    return max(1, min(round(wanted), tokens))


def bisect_rows(points: Tensor, lengths: Sequence[int], counts: Sequence[int]) -> BlockPlan:
    """Plan the leaves of packed points.

    Args:
        points: (T, d), sample after sample.
        lengths: Points of each sample.
        counts: Leaves of each sample, in [1, max(1, points)].

    Returns:
        A plan whose blocks are the leaves; a leaf keeps the order of its rows.
    """
    by_size: dict[int, list[Tensor]] = {}
    parts = _whole_samples(points, lengths, counts)
    while parts.what:
        done = [at for at, part in enumerate(parts.what) if part.leaves == 1]
        for size in sorted({parts.what[at].size for at in done} - {0}):
            alike = parts.chosen([at for at in done if parts.what[at].size == size])
            by_size.setdefault(size, []).append(alike.rows[:, :size].flatten())
        open_ = [at for at, part in enumerate(parts.what) if part.leaves > 1]
        parts = _halve(parts.chosen(open_)) if open_ else parts._replace(what=[])
    order = [rows for size in sorted(by_size) for rows in by_size[size]]
    groups = tuple((sum(map(len, by_size[size])) // size, size) for size in sorted(by_size))
    return BlockPlan(torch.cat(order) if order else None, groups)


def bisection_flops(lengths: Sequence[int], counts: Sequence[int], coordinates: int) -> int:
    """Return the operations of the matrix products in `bisect_rows`, empty slots included."""
    flops = 0
    parts = [_Part(*pair) for pair in zip(lengths, counts, strict=True)]
    while parts := [part for part in parts if part.leaves > 1]:
        slots, halves = 2 * _half(parts), [half for part in parts for half in part.halves()]
        flops += axis_flops(len(parts), min(AXIS_POINTS, slots), coordinates)
        flops += 2 * len(parts) * slots * coordinates
        parts = halves
    return flops


def _whole_samples(points: Tensor, lengths: Sequence[int], counts: Sequence[int]) -> _Parts:
    """Lay the samples out as one part each."""
    what = [_Part(*pair) for pair in zip(lengths, counts, strict=True)]
    ends = torch.tensor(lengths, device=points.device).cumsum(0)
    held = torch.tensor(lengths, device=points.device)
    slots = torch.arange(max(lengths), device=points.device)
    rows = (ends - held)[:, None] + slots
    if min(lengths) == len(slots):
        return _Parts(points.view(*rows.shape, points.shape[-1]), rows, what)
    there = slots < held[:, None]
    rows = rows * there
    return _Parts(points[rows] * there.unsqueeze(-1), rows, what)


def _half(parts: Sequence[_Part]) -> int:
    """Slots that each half of any of these parts needs."""
    return max(half.size for part in parts for half in part.halves())


def _halve(parts: _Parts) -> _Parts:
    """Cut P parts into their 2P halves."""
    points, rows, what = parts
    half = _half(what)
    if missing := 2 * half - rows.shape[1]:
        points, rows = pad(points, (0, 0, 0, missing)), pad(rows, (0, missing))
    along = project(points, _axis(points, what)).nan_to_num()
    if min(part.size for part in what) < 2 * half:
        along = _with_empty_slots(along, what)
    left = _smallest_half(along).flatten()
    sides = [side.nonzero().view(len(what), half) for side in (left, ~left)]
    order = torch.stack(sides, 1).flatten()
    return _Parts(
        points.flatten(0, 1).index_select(0, order).view(-1, half, points.shape[-1]),
        rows.flatten().index_select(0, order).view(-1, half),
        [side for part in what for side in part.halves()],
    )


def _axis(points: Tensor, what: Sequence[_Part]) -> Tensor:
    """Return the (P, d, 1) main axes; which points are looked at depends on a part's own size."""
    slots = points.shape[1]
    wanted = torch.arange(min(AXIS_POINTS, slots), device=points.device)
    if all(part.size == slots for part in what):
        if len(wanted) < slots:
            points = points.index_select(1, wanted * slots // len(wanted))
        return main_axis(points - points.mean(1, keepdim=True))
    held = torch.tensor([[part.size] for part in what], device=points.device)
    used = held.clamp(min=1, max=AXIS_POINTS)
    first = slots * torch.arange(len(what), device=points.device)[:, None]
    places = (wanted * held // used).clamp(max=slots - 1) + first
    spaced = points.flatten(0, 1).index_select(0, places.flatten()).view(*places.shape, -1)
    there = (wanted < held).unsqueeze(-1)
    mean = (spaced * there).sum(1, keepdim=True) / used.unsqueeze(-1)
    return main_axis((spaced - mean) * there)


def _with_empty_slots(along: Tensor, what: Sequence[_Part]) -> Tensor:
    """Send as many empty slots of (P, M) left of everything as the left half has, others right."""
    sizes = [(part.size, part.halves()[0].size) for part in what]
    held, left = torch.tensor(sizes, device=along.device).unsqueeze(-1).unbind(1)
    slot, half = torch.arange(along.shape[1], device=along.device), along.shape[1] // 2
    goes_left = slot < held + half - left
    ends = torch.full_like(along, math.inf).masked_fill(goes_left, -math.inf)
    return along.where(slot < held, ends)


def _smallest_half(values: Tensor) -> Tensor:
    """Mark the M / 2 smallest of each row of (P, M), M even; of equal ones the first."""
    median = values.median(dim=1, keepdim=True).values  # the lower one of two
    left = values <= median
    if 2 * int(left.sum()) == values.numel():
        return left
    below, level = values < median, values == median
    room = values.shape[1] // 2 - below.sum(1, keepdim=True)
    return below | (level & (level.cumsum(1) <= room))
