"""Resume from a damaged store: whatever batch is lost, the study goes on, to its full count."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from joulefront.launch.billing import StudyBill
from joulefront.store import StudyStore
from joulefront.trial import Assignment
from joulefront.trial.messages import ChargeRow, Closing, Report

CHARGES = tuple(
    ChargeRow(host="h", device=name, component=name, joules=2.0, provenance="modelled")
    for name in ("cpu", "ram")
)


def run(conductor: Any, *, most: int = 100, unfinished: bool = False) -> list[str]:
    """Carry out up to `most` trials, the last of which may be left in the middle."""
    done: list[str] = []
    while len(done) < most and (assignment := conductor.next_assignment()):
        done.append(_trial_id(assignment))
        for epoch in (1, 2):
            metrics = {"accuracy": 0.5, "flops": float(len(done))}
            report = Report(epoch=epoch, metrics=metrics, duration_seconds=0.1, charges=CHARGES)
            conductor.receive(done[-1], report)
        if unfinished and len(done) == most:
            break
        closing = Closing(
            state="complete",
            metrics={"accuracy": 0.5, "flops": float(len(done))},
            charges=CHARGES,
            duration_seconds=0.1,
        )
        conductor.receive(done[-1], closing)
        conductor.ended(done[-1], None)
    return done


def _trial_id(assignment: Assignment) -> str:
    return assignment.trial_id


@pytest.fixture
def half_run(study: StudyStore, driver: Any, toy_spec: Callable[..., Any]) -> StudyStore:
    with driver(study, toy_spec()) as conductor:
        run(conductor, most=4, unfinished=True)
    return study


def test_any_lost_byte_is_gone_around(
    half_run: StudyStore, driver: Any, toy_spec: Callable[..., Any]
) -> None:
    generator = random.Random(0)
    segments = sorted((half_run.path / "segments").rglob("*.arrows"))
    whole = {path: path.read_bytes() for path in segments}
    for number in range(40):
        path = segments[number % len(segments)]
        damaged = bytearray(whole[path])
        place = generator.randrange(len(damaged))
        damaged[place] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged if number % 3 else damaged[:place])
        before = {
            row["trial_id"] for row in half_run.read("trials").to_pylist() if row["kind"] == "end"
        }
        with driver(StudyStore.open(half_run.path), toy_spec()) as conductor:
            assert not before & set(run(conductor))
            assert conductor.finished
            assert conductor.agenda.count("complete") == 6
        for later in (half_run.path / "segments").rglob("*.arrows"):
            later.unlink()
        for path, data in whole.items():
            path.write_bytes(data)


def test_a_start_that_is_lost_is_told_by_its_end(
    half_run: StudyStore, driver: Any, toy_spec: Callable[..., Any]
) -> None:
    rows = half_run.read("trials").to_pylist()
    known = {row["trial_id"]: row for row in rows if row["kind"] == "end"}
    kept = [row for row in rows if row["kind"] == "end" or row["trial_id"] not in known]
    for path in (half_run.path / "segments" / "trials").iterdir():
        path.unlink()
    with half_run.writer() as writer:
        writer.append("trials", kept)
    with driver(StudyStore.open(half_run.path), toy_spec()) as conductor:
        for configuration in conductor.agenda.configurations[:3]:
            end = known[f"{configuration.config_id}-f0-s0"]
            told = {name: end[f"params.{name}"] for name in configuration.parameters}
            assert configuration.parameters == told
        assert not set(known) & set(run(conductor))


def test_the_ledger_is_read_once_for_all_that_was_lost(
    study: StudyStore,
    write_ledger: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for number in range(3):
        write_ledger(f"c000{number}-f0-s0", 1, trial_seconds=number + 1.0, search_seconds=0.0)
    read, tables = StudyStore.read, []

    def noted(store: StudyStore, table: str, *columns: Any) -> Any:
        tables.append(table)
        return read(store, table, *columns)

    monkeypatch.setattr(StudyStore, "read", noted)
    keys = [("c0000-f0-s0", 1), ("c0002-f0-s0", 1), ("c0002-f0-s0", 2)]
    billed = StudyBill(store=study).attempts(keys)
    assert tables == ["ledger"]
    joules = {key: {row.component: row.joules for row in rows} for key, (rows, _) in billed.items()}
    assert joules[keys[0]]["cpu"] == pytest.approx(10.0)
    assert joules[keys[1]]["cpu"] == pytest.approx(30.0)
    assert joules[keys[2]] == {}
