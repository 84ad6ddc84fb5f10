"""`observations.json` is a part of a real run: two rounds, on two cores."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from joulefront.bench import Figure, figure_table, figure_values
from joulefront.bench.energy.figures import FIGURES

RECORDED = json.loads(Path(__file__).with_name("observations.json").read_text(encoding="utf-8"))
REACHES = [figure for figure in FIGURES if figure.reach is not None]


def by_key(figure: Figure) -> str:
    return figure.key


@pytest.mark.parametrize("figure", REACHES, ids=by_key)
def test_every_mutant_misses(figure: Figure) -> None:
    mutant = figure.mutant_value(RECORDED)
    assert math.isfinite(mutant)
    assert not figure.is_reached(mutant)


@pytest.mark.parametrize("figure", REACHES, ids=by_key)
def test_an_honest_meter_would_reach(figure: Figure) -> None:
    assert figure.is_reached(figure.value([honest(row) for row in RECORDED]))


def honest(row: dict[str, Any]) -> dict[str, Any]:
    """An observation of a meter without a fault, on a machine that does not drift."""
    work = {"reference": 3.0, "double": 10.0, "reuse": 1.25}.get(row["situation"], 5.0)
    counted = {"charged": work, "truth": work, "reasons": ["oversubscribed"], "calls": []}
    accounts = {name: row["busy"] / 4 for name in row.get("accounts", ())}
    return row | counted | {"accounts": accounts, "cpu": 0.1, "meter": [], "identical": True}


def test_the_figures() -> None:
    assert figure_values(FIGURES, RECORDED).keys() == {
        *("replay_identical", "replay_residual", "live_conservation_solo"),
        *("live_conservation_many", "neighbour_ratio", "neighbour_ratio_memory"),
        *("codecarbon_neighbour_ratio", "oversubscribed_ratio", "oversubscribed_flagged"),
        *("complete_respawned", "complete_persistent", "complete_subprocess", "complete_actor"),
        *("variation", "doubling", "reuse_ratio", "meter_core_share", "trial_overhead"),
        "idle_actor_core_share",
        "stray_calls",
    }


def test_a_meter_that_has_stopped_costs_nothing_and_reaches_nothing() -> None:
    figure = next(figure for figure in FIGURES if figure.key == "meter_core_share")
    stopped = {"situation": "meter", "seconds": 31.0, "cpu": 0.2, "samples": 0}
    assert not figure.is_reached(figure.value([stopped]))
    assert figure.is_reached(figure.value([stopped | {"samples": 31}]))


def test_a_missed_reach_is_printed_as_missed() -> None:
    strays = [row for row in RECORDED if row["situation"] == "strays"]
    for heard, verdict in ([], "ok"), (["socket.connect"], "missed"):
        observed = [row | {"meter": heard} for row in strays]
        lines = figure_table(FIGURES, observed).splitlines()
        line = next(line for line in lines if "stray_calls" in line)
        assert line.split("stray_calls")[1].split()[:3] == [str(float(len(heard)))[0], "0", verdict]


def test_nothing_observed_reaches_nothing() -> None:
    assert not any(figure.is_reached(figure.value([])) for figure in REACHES)
    assert "nan" in figure_table(FIGURES, [])
