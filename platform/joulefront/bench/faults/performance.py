"""The overheads of `study bench overhead` as figures of this bench.

The mutant of the first is a worker group for every trial; that of the second is Ray's own pattern.
"""

from __future__ import annotations

import statistics
from typing import Any

from joulefront.bench.figures import Figure, Rows
from joulefront.bench.overhead import run


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Return the observations of the bench of overheads."""
    observed = run(rounds=5 if full else 3).observations
    return [dict(row) | {"what": "overhead", "variant": row["what"]} for row in observed]


def _worst(rows: Rows, variant: str) -> float:
    """Return the median over rounds of the medians over trials, of the worse concurrency."""
    by_concurrency: dict[int, list[float]] = {}
    for row in rows:
        if row["what"] == "overhead" and row["variant"] == variant:
            seconds = statistics.median(row["seconds"])
            by_concurrency.setdefault(row["concurrent"], []).append(seconds)
    return max(map(statistics.median, by_concurrency.values()), default=float("nan"))


def _of_plain(rows: Rows, variant: str) -> float:
    return _worst(rows, variant) / _worst(rows, "train_in_tune")


# fmt: off
FIGURES: tuple[Figure[str], ...] = (
    Figure("overhead_seconds", "platform seconds a no-op trial, one worker", (0, 0.03),
           _worst, "joulefront", "a worker group for each", "joulefront_group"),
    Figure("overhead_seconds_ray_tune", "the same by plain Ray Tune, actors reused", None,
           _worst, "ray_tune"),
    Figure("overhead_group_ratio", "a worker group of one ÷ plain Train-in-Tune", (0, 0.6),
           _of_plain, "joulefront_group", "plain Train-in-Tune", "train_in_tune"),
)
# fmt: on
