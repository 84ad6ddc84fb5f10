from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from joulefront.cli.status import status
from joulefront.errors import StudyError
from joulefront.results import Study, summarise
from joulefront.store import StudyStore


def test_status_counts_and_names_the_best(tiny: Path, capfdbinary) -> None:
    status(tiny)
    text = capfdbinary.readouterr().out.decode()
    assert "trials: 3 of 4 ended (2 complete, 1 running, 1 failed)" in text
    assert "4 proposed, 2 fully measured, 2 on the front" in text
    assert "greatest accuracy: 0.6 (c0001)" in text
    assert "least energy (Wh): 0.1 (c0000)" in text
    assert "energy spent: 1 Wh (3600 J), cpu=modelled" in text
    assert "not finished; if it does not run any more, `study resume`" in text
    assert "last row written" in text


def test_what_the_search_itself_spent_is_told_apart(tiny: Path, capfdbinary, monkeypatch) -> None:
    summary = replace(summarise(Study.open(tiny)), search_joules=36.0)
    monkeypatch.setattr("joulefront.results.summarise", lambda study: summary)
    status(tiny)
    text = capfdbinary.readouterr().out.decode()
    assert "energy spent: 1 Wh (3600 J), cpu=modelled; apart: the search itself 0.01 Wh" in text


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        ("study_interrupted", {}, "tiny: interrupted; `study resume`"),
        ("study_finished", {"reason": "budget.hours: 1"}, "tiny: finished (budget.hours: 1)"),
        ("study_finished", {}, "tiny: finished\n"),
        (
            "study_finished",
            {"reason": "5.2 of 5 Wh are spent", "ended_by": "budget.energy_wh"},
            "tiny: finished (budget.energy_wh: 5.2 of 5 Wh are spent)",
        ),
    ],
)
def test_the_last_event_decides(tiny: Path, capfdbinary, kind, details, expected) -> None:
    with StudyStore.open(tiny).writer() as writer:
        writer.append("events", [{"kind": kind, "details": json.dumps(details)}])
    status(tiny)
    assert capfdbinary.readouterr().out.decode().startswith(expected)


def test_a_study_that_has_just_begun_has_a_status(tiny: Path, tmp_path: Path, capfdbinary) -> None:
    store = StudyStore.open(tiny)
    StudyStore.create(tmp_path / "new", dict(store.header))
    status(tmp_path / "new")
    assert "trials: 0 of 4 ended (none begun)" in capfdbinary.readouterr().out.decode()


def test_damage_is_told(tiny: Path, capfdbinary) -> None:
    segment = next((tiny / "segments" / "reports").glob("*.arrows"))
    segment.write_bytes(segment.read_bytes()[:-5])
    status(tiny)
    assert "damage: segments/reports/" in capfdbinary.readouterr().out.decode()


def test_a_wrong_path_is_the_users_mistake(tiny: Path) -> None:
    with pytest.raises(StudyError, match=r"did you mean .*tiny"):
        status(tiny.parent / "tinny")
