"""From raw observations to one number each: pure functions of the rows of a run.

Each takes the rows and a reading, which is how a meter charges one row; so an honest meter and a
mutant are held against the same truth. NaN where a run has no such rows.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

from joulefront.bench.figures import Row, Rows

Reading = Callable[[Row], Any]
Statistic = Callable[[Rows, Reading], float]


def ratio(situation: str, over: str) -> Statistic:
    """Return the median over rounds of one situation's charge ÷ another's in the same round."""
    return lambda rows, reading: _median(_ratios(rows, reading, situation, over))


def variation(situation: str, over: str) -> Statistic:
    """Return the coefficient of variation over rounds of such ratios."""

    def statistic(rows: Rows, reading: Reading) -> float:
        ratios = _ratios(rows, reading, situation, over)
        return statistics.stdev(ratios) / statistics.mean(ratios) if len(ratios) > 1 else math.nan

    return statistic


def last_over_first(situation: str) -> Statistic:
    """Return the median over rounds of the charge of a process's last trial ÷ its first."""

    def statistic(rows: Rows, reading: Reading) -> float:
        rounds: dict[int, list[float]] = {}
        for row in sorted(_chosen(rows, situation), key=lambda row: row["turn"]):
            rounds.setdefault(row["round"], []).append(reading(row))
        return _median(turns[-1] / turns[0] for turns in rounds.values())

    return statistic


def median_of(situation: str, over: str) -> Statistic:
    """Return the median of the reading ÷ a column, such as the truth."""
    return lambda rows, reading: _median(
        reading(row) / row[over] for row in _chosen(rows, situation)
    )


def share(situation: str) -> Statistic:
    """Return the share of rows for which the reading is true."""

    def statistic(rows: Rows, reading: Reading) -> float:
        found = [bool(reading(row)) for row in _chosen(rows, situation)]
        return statistics.mean(found) if found else math.nan

    return statistic


def total(situation: str) -> Statistic:
    """Return the sum of the reading."""

    def statistic(rows: Rows, reading: Reading) -> float:
        chosen = _chosen(rows, situation)
        return math.fsum(map(reading, chosen)) if chosen else math.nan

    return statistic


def unexplained(situation: str) -> Statistic:
    """Return the median of |host busy time − what the reading explains| ÷ host busy time."""
    return lambda rows, reading: _median(
        abs(row["busy"] - reading(row)) / row["busy"] for row in _chosen(rows, situation)
    )


def _ratios(rows: Rows, reading: Reading, situation: str, over: str) -> list[float]:
    """Divide the means of each round."""
    rounds: dict[int, dict[str, list[float]]] = {}
    for row in [*_chosen(rows, situation), *_chosen(rows, over)]:
        rounds.setdefault(row["round"], {}).setdefault(row["situation"], []).append(reading(row))
    return [
        statistics.mean(charges[situation]) / statistics.mean(charges[over])
        for charges in rounds.values()
        if charges.keys() >= {situation, over}
    ]


def _chosen(rows: Rows, situation: str) -> Rows:
    return [row for row in rows if row["situation"] == situation]


def _median(values: Iterable[float]) -> float:
    known = list(values)
    return statistics.median(known) if known else math.nan
