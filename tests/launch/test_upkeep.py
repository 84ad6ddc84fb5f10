"""A study stays small while it runs: when it is compacted, and which checkpoints stay."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from joulefront.launch import upkeep as rules
from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.recorder import Recorder
from joulefront.launch.upkeep import PERIOD_SECONDS, Upkeep
from joulefront.store import StudyStore, checkpointed_trials, save_checkpoint


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def checkpointed(study: StudyStore, tmp_path: Path) -> Callable[[str], None]:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "weights").write_bytes(b"0")

    def save(trial_id: str) -> None:
        save_checkpoint(study.path, trial_id, 1, 1, tmp_path / "source")

    return save


def test_checkpoints_of_members_and_of_what_goes_on_stay(
    study: StudyStore, toy_spec: Callable[..., Any], checkpointed: Callable[[str], None]
) -> None:
    agenda, clock = Agenda(toy_spec()), Clock()
    with study.writer() as writer:
        recorder = Recorder(writer, StudyBill(store=study), None)
        with Upkeep(study, agenda, recorder, clock=clock) as upkeep:
            names = []
            for _ in range(6):
                trial = agenda.next_trial()
                assert trial is not None
                names.append(trial.trial_id)
                checkpointed(trial.trial_id)
            agenda.complete(names[0], (0.9, 5.0))  # accuracy, to maximise; FLOPs, to minimise
            agenda.complete(names[1], (0.8, 9.0))  # dominated
            agenda.prune(names[2], (0.9, 1.0))
            agenda.fail(names[3], retryable=False)
            upkeep()
            assert checkpointed_trials(study.path) == names
            for _ in range(2):  # those that have just ended stay until the next look
                assert checkpointed_trials(study.path) == names
                clock.now += PERIOD_SECONDS
                upkeep()
            assert checkpointed_trials(study.path) == [names[0], names[4], names[5]]
            agenda.complete(names[4], (0.95, 4.0))
            clock.now += PERIOD_SECONDS
            upkeep()
        assert checkpointed_trials(study.path) == names[4:]


def test_a_study_is_compacted_when_it_has_grown(
    study: StudyStore, toy_spec: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_LEAST_BYTES", 20_000)
    clock, compacted = Clock(), []
    with study.writer() as writer:
        recorder = Recorder(writer, StudyBill(store=study), None)
        for growth in (1, 60, 0, 1, 60):
            for epoch in range(growth):
                writer.append("reports", [{"epoch": epoch, "loss": 0.5}])
            with Upkeep(study, Agenda(toy_spec()), recorder, clock=clock) as upkeep:
                clock.now += PERIOD_SECONDS
                upkeep()
            compacted.append(study.segment_bytes()[1] < 20_000 and growth == 60)
    assert compacted == [False, True, False, False, True]
    told = [row for row in study.read("events").to_pylist() if row["kind"] == "compaction"]
    assert [json.loads(row["details"])["damage"] for row in told] == [[], []]
    assert study.read("reports").num_rows == 122


def test_a_compaction_that_fails_is_told(
    study: StudyStore, toy_spec: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "_LEAST_BYTES", 0)
    clock = Clock()
    with study.writer() as writer:
        writer.append("reports", [{"epoch": 1}])
        (study.path / "parquet").write_text("a file where a folder belongs")
        recorder = Recorder(writer, StudyBill(store=study), None)
        with Upkeep(study, Agenda(toy_spec()), recorder, clock=clock) as upkeep:
            clock.now += PERIOD_SECONDS
            upkeep()
    (row,) = study.read("events").to_pylist()
    assert "failure" in json.loads(row["details"])
