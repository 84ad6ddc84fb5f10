"""How observations become the figures of `study bench attention`: pure functions of the rows.

Each takes the rows and the variants that are judged, so that an honest attention and a mutant are
held against the same baseline. NaN where a run has no such rows.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from typing import Any

from joulefront.bench import Rows

Statistic = Callable[[Rows, str], float]


def speedup(**situation: Any) -> Statistic:
    """Return dense time ÷ the variant's in one situation, the best of each."""
    return lambda rows, variant: (
        _seconds(rows, variant="dense", **situation) / _seconds(rows, variant=variant, **situation)
    )


def worst_speedup(width: int, lengths: Sequence[int]) -> Statistic:
    """Return the least such speed-up of some lengths."""
    each = [speedup(situation="time", width=width, tokens=tokens) for tokens in lengths]
    return lambda rows, variant: _least([one(rows, variant) for one in each])


def exponent(width: int, shortest: int) -> Statistic:
    """Return the slope of log time over log tokens of single samples, least squares."""

    def statistic(rows: Rows, variant: str) -> float:
        shape = {"situation": "time", "variant": variant, "width": width, "batch": 1}
        lengths = {row["tokens"] for row in chosen(rows, **shape)}
        lengths = {tokens for tokens in lengths if tokens >= shortest}
        if len(lengths) < 2:
            return math.nan
        points = [(math.log(n), math.log(_seconds(rows, tokens=n, **shape))) for n in lengths]
        return statistics.linear_regression(*zip(*points, strict=True)).slope

    return statistic


def memory_ratio(width: int, tokens: int, over: str) -> Statistic:
    """Return the variant's median peak memory ÷ that of n × n scores."""

    def statistic(rows: Rows, variant: str) -> float:
        shape = {"situation": "memory", "width": width, "tokens": tokens}
        both = [chosen(rows, variant=one, **shape) for one in (variant, over)]
        return median(both[0], "bytes") / median(both[1], "bytes")

    return statistic


def mass_over(baseline: str) -> Statistic:
    """Return the mean mass kept ÷ the baseline's; of several variants ("a, b") the least."""

    def statistic(rows: Rows, variants: str) -> float:
        kept = [_mass(rows, one) for one in variants.split(", ")]
        return _least(kept) / _mass(rows, baseline)

    return statistic


def worst_error(rows: Rows, column: str) -> float:
    """Return the greatest of a column of the comparison with oracles; NaN if one is NaN."""
    found = [row[column] for row in chosen(rows, situation="definition") if column in row]
    return math.nan if any(map(math.isnan, found)) else max(found, default=math.nan)


def flops_share(rows: Rows, variant: str) -> float:
    """Return FLOPs after training at the greatest λ ÷ at the least."""
    found = sorted(chosen(rows, situation="pattern", variant=variant), key=lambda r: r["penalty"])
    return float(found[-1]["flops"] / found[0]["flops"]) if found else math.nan


def chosen(rows: Rows, **values: Any) -> Rows:
    """Return the rows that have these values."""
    return [row for row in rows if all(row.get(key) == one for key, one in values.items())]


def median(rows: Rows, column: str) -> float:
    """Return the median of a column; NaN without rows."""
    return statistics.median(row[column] for row in rows) if rows else math.nan


def _seconds(rows: Rows, **values: Any) -> float:
    return min((row["seconds"] for row in chosen(rows, **values)), default=math.nan)


def _mass(rows: Rows, variant: str) -> float:
    found = [row["mass"] for row in chosen(rows, situation="mass", variant=variant)]
    return statistics.fmean(found) if found else math.nan


def _least(values: Sequence[float]) -> float:
    return math.nan if any(map(math.isnan, values)) else min(values)
