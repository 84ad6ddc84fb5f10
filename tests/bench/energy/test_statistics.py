from __future__ import annotations

import math
from operator import itemgetter
from typing import Any

import pytest

from joulefront.bench.energy import statistics

charged = itemgetter("charged")


def rows(**situations: list[float]) -> list[dict[str, Any]]:
    """One trial a round, whose charges are given."""
    return [
        {"situation": name, "round": round_, "charged": charge}
        for name, charges in situations.items()
        for round_, charge in enumerate(charges)
    ]


def test_ratios_are_taken_within_rounds() -> None:
    drifting = rows(beside=[1.1, 2.2, 33.0], alone=[1.0, 2.0, 3.0])
    assert statistics.ratio("beside", "alone")(drifting, charged) == pytest.approx(1.1)


def test_trials_of_one_round_count_by_their_mean() -> None:
    crowd = [*rows(crowd=[1.0], alone=[2.0]), *rows(crowd=[5.0])]
    assert statistics.ratio("crowd", "alone")(crowd, charged) == 1.5


def test_a_round_without_its_base_is_left_out() -> None:
    assert statistics.ratio("a", "b")(rows(a=[4.0, 9.0], b=[2.0]), charged) == 2.0


def test_variation_is_that_of_the_ratios() -> None:
    drifting = rows(work=[2.0, 4.0, 6.0], reference=[1.0, 2.0, 3.0])
    assert statistics.variation("work", "reference")(drifting, charged) == 0.0
    spread = rows(work=[1.0, 3.0], reference=[1.0, 1.0])
    expected = math.sqrt(2.0) / 2.0
    assert statistics.variation("work", "reference")(spread, charged) == pytest.approx(expected)


def test_the_last_turn_of_each_process_is_held_against_its_first() -> None:
    turns = [
        {"situation": "reuse", "round": round_, "turn": turn, "charged": charge}
        for round_, charges in enumerate([(9.0, 5.0, 1.0), (2.0, 2.0, 2.0), (8.0, 5.0, 4.0)])
        for turn, charge in zip((2, 1, 0), charges, strict=True)
    ]
    assert statistics.last_over_first("reuse")(turns, charged) == 2.0


def test_shares_sums_and_medians() -> None:
    found = [{"situation": "a", "round": 0, "charged": c, "truth": 2.0} for c in (0.0, 2.0, 3.0)]
    assert statistics.share("a")(found, charged) == pytest.approx(2 / 3)
    assert statistics.total("a")(found, charged) == 5.0
    assert statistics.median_of("a", "truth")(found, charged) == 1.0


def test_what_is_not_explained_counts_in_either_direction() -> None:
    ledgers = [
        {"situation": "ledger", "busy": busy, "accounts": {"trials": explained}}
        for busy, explained in [(10.0, 9.9), (10.0, 11.0), (10.0, 7.0)]
    ]
    gap = statistics.unexplained("ledger")(ledgers, lambda row: row["accounts"]["trials"])
    assert gap == pytest.approx(0.1)


@pytest.mark.parametrize(
    "statistic",
    [
        statistics.ratio("a", "b"),
        statistics.variation("a", "b"),
        statistics.last_over_first("a"),
        statistics.median_of("a", "truth"),
        statistics.share("a"),
        statistics.total("a"),
        statistics.unexplained("a"),
    ],
)
def test_nothing_observed_is_no_number(statistic: statistics.Statistic) -> None:
    assert math.isnan(statistic([], charged))
