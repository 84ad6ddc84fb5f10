from __future__ import annotations

import math

import numpy as np
import pytest

from joulefront.bench.search import statistics
from joulefront.bench.search.figures import FIGURES


def race_row(share: float | None, *, recorded: bool = False) -> dict[str, object]:
    return {"situation": "race", "variant": "auto", "recorded": recorded, "share": share}


def test_a_race_that_is_not_won_counts_as_more_than_all() -> None:
    rows = [race_row(0.2), race_row(None), race_row(0.6), race_row(0.1, recorded=True)]
    assert statistics.race(recorded=False)(rows, "auto") == 0.6
    assert statistics.race(recorded=True)(rows, "auto") == 0.1
    assert statistics.race(recorded=False)([race_row(None)], "auto") == statistics.NOT_REACHED


def test_stopping_is_held_against_the_same_study_without() -> None:
    rows = [
        {
            "situation": "stopping",
            "variant": variant,
            "recorded": False,
            "problem": "p",
            "seed": seed,
            "hypervolume": volume,
            "joules": joules,
        }
        for variant, seed, volume, joules in [
            ("never", 0, 2.0, 10.0),
            ("never", 1, 4.0, 30.0),
            ("dominated", 1, 4.0, 15.0),
            ("dominated", 0, 1.0, 1.0),
        ]
    ]
    assert statistics.kept(recorded=False)(rows, "dominated") == pytest.approx(0.75)
    assert statistics.saved(recorded=False)(rows, "dominated") == pytest.approx(0.7)
    assert statistics.saved(recorded=False)(rows, "never") == 0.0


def front_row(stated: list[float], actual: list[bool]) -> dict[str, object]:
    return {
        "situation": "front",
        "variant": "reported",
        "probability": stated,
        "is_member": actual,
        "reported": 4,
        "true_members": 3,
        "right": 2,
        "covered": [4, 2],
    }


def test_members_are_pooled_over_studies() -> None:
    rows = [front_row([1.0], [True])]
    assert statistics.precision("front")(rows, "reported") == 0.5
    assert statistics.recall("front")(rows, "reported") == pytest.approx(2 / 3)
    assert statistics.coverage(rows, "reported") == 0.75


def test_stating_what_happens_is_calibrated_and_skilled() -> None:
    rng = np.random.default_rng(0)
    stated = rng.random(20_000)
    actual = rng.random(20_000) < stated
    rows = [front_row(stated.tolist(), actual.tolist())]
    assert statistics.calibration(rows, "reported") < 0.02
    assert statistics.skill(rows, "reported") > 0.3
    sure = [front_row((stated > 0.5).astype(float).tolist(), actual.tolist())]
    assert statistics.calibration(sure, "reported") > 0.2


def test_those_that_nobody_takes_for_members_do_not_help_calibration() -> None:
    rows = [front_row([0.9, 0.9], [False, False]), front_row([0.0] * 98, [False] * 98)]
    assert statistics.calibration(rows, "reported") == pytest.approx(0.9)


def test_always_stating_the_share_of_members_has_no_skill() -> None:
    rows = [front_row([0.25] * 4, [True, False, False, False])]
    assert statistics.skill(rows, "reported") == pytest.approx(0.0)


def test_nothing_observed_is_nan_and_misses() -> None:
    for figure in FIGURES:
        assert math.isnan(figure.value([]))
        assert figure.reach is None or not figure.is_reached(figure.value([]))


def test_each_figure_that_must_reach_something_has_a_mutant() -> None:
    assert len({figure.key for figure in FIGURES}) == len(FIGURES)
    for figure in FIGURES:
        if figure.reach is not None:
            assert figure.mutant and figure.fault
