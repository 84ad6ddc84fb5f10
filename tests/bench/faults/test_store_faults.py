"""The parts of `study bench faults` about the store: small campaigns, each with its mutants."""

from __future__ import annotations

import math

import pytest

from joulefront.bench import Rows
from joulefront.bench.faults import corruption, resume_10k, segments


def values(module: object, rows: Rows) -> dict[str, tuple[float, float]]:
    return {f.key: (f.value(rows), f.mutant_value(rows)) for f in module.FIGURES}  # type: ignore[attr-defined]


def test_damage_is_told_and_the_mutants_do_not_tell_it() -> None:
    rows = [
        *corruption.damaged("joulefront", 24),
        *corruption.damaged("no_checksums", 48, seed=5),
        *corruption.damaged("plain_pyarrow", 24),
    ]
    found = values(corruption, rows)
    assert found["corruption_crashes"][0] == found["corruption_silent"][0] == 0
    assert found["corruption_crashes"][1] > 0
    assert found["corruption_silent"][1] > 0
    assert {row["damage"] for row in rows} == {"flip", "cut"}


@pytest.mark.slow
def test_killed_writers_lose_nothing_and_the_mutants_do() -> None:
    rows = [*segments.killed("joulefront", 2), *segments.killed("held_back", 1)]
    found = values(segments, rows)
    assert (found["segment_lost"][0], found["segment_doubled"][0]) == (0, 0)
    assert found["segment_lost"][1] > 0
    assert all(row["acknowledged"] > 0 for row in rows)


def test_a_small_study_is_resumed_rightly() -> None:
    rows = resume_10k.resumed(40)
    assert [row["right"] for row in rows] == [True, True, True]
    (seconds, _), *_ = values(resume_10k, rows).values()
    assert 0 < seconds < 60
    wrong = [*rows, {**rows[-1], "right": False}]
    assert values(resume_10k, wrong)["resume_seconds_10k"][0] == math.inf
