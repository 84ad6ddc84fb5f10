from __future__ import annotations

import math
from itertools import chain

from joulefront.bench import figure_table, figure_values
from trainables.attention import ATTENTIONS
from trainables.bench.attention.figures import FIGURES, attention_table
from trainables.bench.attention.mass import BEST, CHANCE
from trainables.bench.attention.plan import TABLE, timed_tasks, untimed_tasks
from trainables.bench.attention.run import report

COLUMNS = {"seconds": 1.0, "flops": 1, "clusters": 1.0, "bytes": 1, "mass": 0.5, "error": 0.0}
COLUMNS |= {"mass_pairs": 0.5, "fault_error": 1.0, "dense_error": 0.1}
SITUATIONS = {"time": ("time", "account"), "epochs": ("epoch",)}


def invented(task):
    """Return one row for whatever a task of the shipped plan would observe."""
    arguments = dict(task.arguments)
    variants = arguments.pop("variants", [arguments.get("variant")])
    if task.name == "mass":
        variants = ["balanced", "cluster", *CHANCE, BEST]
        arguments |= {"cohort": "oasis1", "tokens": 576, "epochs": 1}
    return [
        COLUMNS | arguments | {"situation": situation, "variant": variant, "penalty": penalty}
        for situation in SITUATIONS.get(task.name, (task.name,))
        for variant in variants
        for penalty in arguments.get("penalties", [0.0])
    ]


ROWS = list(chain.from_iterable(map(invented, [*timed_tasks(), *untimed_tasks()])))


def test_the_shipped_plan_observes_every_figure_and_every_mutant() -> None:
    for figure in FIGURES:
        assert math.isfinite(figure.value(ROWS)), figure.key
        mutant = figure.mutant_value(ROWS)
        assert math.isfinite(mutant) != (figure.reach is None), figure.key


def test_every_figure_with_a_reach_has_a_mutant_that_is_another_variant() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
    for figure in FIGURES:
        assert (figure.reach is None) == (figure.mutant is None)
        assert figure.mutant != figure.judged


def test_reaches_are_those_that_were_asked_for() -> None:
    reaches = {figure.key: figure.reach for figure in FIGURES}
    assert reaches["balanced_128_8192"] == (22, math.inf)
    assert reaches["balanced_exponent"] == (0, 1.1)
    assert reaches["mass_balanced_over_cluster"] is None
    small = next(figure for figure in FIGURES if figure.key == "balanced_small_n")
    assert small.is_reached(0.95) and not small.is_reached(0.94) and not small.is_reached(math.nan)


def test_nothing_observed_is_no_figure() -> None:
    assert all(math.isnan(value) for value in figure_values(FIGURES, []).values())
    assert "missed" in figure_table(FIGURES, [])


def test_every_attention_has_a_line_without_gaps() -> None:
    lines = attention_table(ROWS, **TABLE).splitlines()[2:]
    assert [line.split()[0] for line in lines] == list(ATTENTIONS)
    assert not any("nan" in line for line in lines)


def test_the_report_says_how_it_was_measured() -> None:
    result = report(ROWS, "load before 0.1")
    assert result.figures.keys() == {figure.key for figure in FIGURES}
    assert result.observations == ROWS
    for said in ("fp32", "one thread", "THP_MEM_ALLOC_ENABLE=1", "real slices", "load before"):
        assert said in result.table
