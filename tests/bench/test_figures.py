from __future__ import annotations

import math

import pytest

from joulefront.bench import Figure, figure_table, figure_values


def worst(rows, column: str) -> float:
    return max((row[column] for row in rows), default=math.nan)


ROWS = [{"seconds": 1.0, "faulty": 3.0}, {"seconds": 2.0, "faulty": 1.0}]
SLOW = Figure("slow", "the worst", (0, 2), worst, "seconds", "counts twice", "faulty")
PRINTED = Figure("printed", "the same", None, worst, "seconds")


def test_values_are_those_of_what_is_judged() -> None:
    assert figure_values([SLOW, PRINTED], ROWS) == {"slow": 2.0, "printed": 2.0}
    assert SLOW.mutant_value(ROWS) == 3.0
    assert math.isnan(PRINTED.mutant_value(ROWS))


def test_a_reach_holds_its_ends_and_never_nan() -> None:
    assert SLOW.is_reached(2.0) and SLOW.is_reached(0.0)
    assert not SLOW.is_reached(2.001) and not SLOW.is_reached(math.nan)
    assert PRINTED.is_reached(1e9)


@pytest.mark.parametrize(
    ("reach", "words"),
    [((0, 2), "≤ 2"), ((2, math.inf), "≥ 2"), ((0.9, 2.5), "0.9–2.5"), ((2, 2), "2")],
)
def test_the_table_says_reach_verdict_and_mutant(reach, words: str) -> None:
    figure = Figure("slow", "the worst", reach, worst, "seconds", "counts twice", "faulty")
    line = figure_table([figure], ROWS).splitlines()[-1]
    caught = "not caught" if figure.is_reached(3.0) else "missed"
    assert line.split("  ")[0] == "the worst"
    for part in ("slow", words, "ok", caught, "counts twice"):
        assert part in line


def test_nothing_observed_is_missed() -> None:
    assert figure_table([SLOW], []).splitlines()[-1].count("missed") == 2
