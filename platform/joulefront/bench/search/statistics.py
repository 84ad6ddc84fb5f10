"""From raw rows to one number each; what is judged is a variant's name. NaN without such rows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from joulefront.bench.figures import Row, Rows

Floats = NDArray[np.float64]
Statistic = Callable[[Rows, str], float]

NOT_REACHED = 2.0
"""What a race counts that did not get there within the peer's whole budget."""

_CONTESTED = 0.05  # below, everybody is sure that a configuration is no member
_BINS = 5


def race(*, recorded: bool) -> Statistic:
    """Return the median share of the peer's joules."""
    return lambda rows, variant: _median(
        NOT_REACHED if row["share"] is None else row["share"]
        for row in _chosen(rows, "race", variant, recorded)
    )


def kept(*, recorded: bool) -> Statistic:
    """Return the mean over seeds of hypervolume ÷ that of the same study without stopping."""
    return lambda rows, variant: _mean(_against_never(rows, variant, recorded, "hypervolume"))


def saved(*, recorded: bool) -> Statistic:
    """Return the mean over seeds of the share of joules that was saved."""
    return lambda rows, variant: 1 - _mean(_against_never(rows, variant, recorded, "joules"))


def stopped_members(rows: Rows, variant: str) -> float:
    """Return the share of all reported members that a rule had ended early."""
    chosen = [row for row in rows if row["situation"] == "stopping" and row["variant"] == variant]
    return _ratio((row["members_stopped"], row["members"]) for row in chosen)


def mean_of(situation: str, column: str, recorded: bool | None = None) -> Statistic:
    """Return the mean of a column; of analytic or recorded problems only, if that is said."""
    return lambda rows, variant: _mean(
        row[column] for row in _chosen(rows, situation, variant, recorded)
    )


def median_of(situation: str, column: str) -> Statistic:
    """Return the median of a column."""
    return lambda rows, variant: _median(row[column] for row in _chosen(rows, situation, variant))


def precision(situation: str) -> Statistic:
    """Return the share of all reported members that are true ones."""
    return lambda rows, variant: _ratio(
        (row["right"], row["reported"]) for row in _chosen(rows, situation, variant)
    )


def recall(situation: str) -> Statistic:
    """Return the share of all true members that are reported."""
    return lambda rows, variant: _ratio(
        (row["right"], row["true_members"]) for row in _chosen(rows, situation, variant)
    )


def coverage(rows: Rows, variant: str) -> float:
    """Return the share of reported members' intervals, of all objectives, that hold the truth."""
    return _ratio(
        (sum(row["covered"]), row["reported"] * len(row["covered"]))
        for row in _chosen(rows, "front", variant)
    )


def calibration(rows: Rows, variant: str) -> float:
    """Return the mean distance, weighted by size, of stated from actual frequency in equal bins.

    Only configurations are counted that might be members: the many that certainly are none would
    make any platform look calibrated.
    """
    stated, actual = _memberships(rows, variant)
    counted = stated >= _CONTESTED
    stated, actual = stated[counted], actual[counted]
    if not len(stated):
        return math.nan
    bins = np.minimum((stated * _BINS).astype(int), _BINS - 1)
    size = np.bincount(bins, minlength=_BINS)
    apart = np.bincount(bins, stated - actual, minlength=_BINS)
    return float(np.abs(apart).sum() / size.sum())


def skill(rows: Rows, variant: str) -> float:
    """Return Brier's skill: 1 - score ÷ the score of always stating how many are members."""
    stated, actual = _memberships(rows, variant)
    if not len(stated):
        return math.nan
    score = np.mean((stated - actual) ** 2)
    return float(1 - score / np.mean((actual.mean() - actual) ** 2))


def _memberships(rows: Rows, variant: str) -> tuple[Floats, Floats]:
    chosen = _chosen(rows, "front", variant)
    stated = [p for row in chosen for p in row["probability"]]
    actual = [m for row in chosen for m in row["is_member"]]
    return np.array(stated), np.array(actual, dtype=np.float64)


def _against_never(rows: Rows, variant: str, recorded: bool, column: str) -> list[float]:
    def by_study(chosen: str) -> dict[tuple[str, int], float]:
        found = _chosen(rows, "stopping", chosen, recorded)
        return {(row["problem"], row["seed"]): row[column] for row in found}

    without = by_study("never")
    return [value / without[study] for study, value in by_study(variant).items()]


def _chosen(rows: Rows, situation: str, variant: str, recorded: bool | None = None) -> list[Row]:
    return [
        row
        for row in rows
        if row["situation"] == situation
        and row["variant"] == variant
        and recorded in (None, row.get("recorded"))
    ]


def _ratio(pairs: Iterable[tuple[int, int]]) -> float:
    known = list(pairs)
    below = sum(n for _, n in known)
    return sum(n for n, _ in known) / below if below else math.nan


def _mean(values: Iterable[float]) -> float:
    known = list(values)
    return statistics.fmean(known) if known else math.nan


def _median(values: Iterable[float]) -> float:
    known = list(values)
    return statistics.median(known) if known else math.nan
