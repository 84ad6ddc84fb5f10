"""The conductor with a store and without Ray: the test plays the workers."""

from __future__ import annotations

import json

import pytest

from joulefront.launch.agenda import Agenda
from joulefront.launch.conductor import Conductor
from joulefront.launch.recorder import Recorder
from joulefront.launch.restoring import restore
from joulefront.spec import Budget, Choice, Int
from joulefront.store import StudyStore, fold_trials, save_checkpoint
from joulefront.trial.messages import ChargeRow, Closing, Event, Report


class Driver:
    """One driver of a study; `with` it for as long as it lives."""

    def __init__(self, store: StudyStore, spec) -> None:
        self.store, self.spec = store, spec

    def __enter__(self) -> Conductor:
        self._writer = self.store.writer()
        recorder = Recorder(self._writer, 500.0)
        agenda = Agenda(self.spec)
        elapsed = restore(agenda, recorder, self.store)
        recorder.events(None, [Event(kind="study_started", details={})])
        return Conductor(
            agenda, recorder, store=self.store.path, power_model={}, elapsed_seconds=elapsed
        )

    def __exit__(self, *_: object) -> None:
        self._writer.close()


@pytest.fixture
def study(tmp_path):
    return StudyStore.create(tmp_path / "study", {"name": "toy"})


def charges(cpu: float) -> tuple[ChargeRow, ...]:
    return (
        ChargeRow(host="h", device="cpu", component="cpu", joules=cpu, provenance="modelled"),
        ChargeRow(host="h", device="host", component="setup", joules=1.0, provenance="modelled"),
    )


def report(epoch: int, cpu: float) -> Report:
    return Report(epoch=epoch, metrics={"accuracy": 0.1 * epoch}, charges=charges(cpu))


def closing(cpu: float = 10.0, accuracy: float = 0.9) -> Closing:
    metrics = {"accuracy": accuracy, "flops": 100.0}
    return Closing(state="complete", metrics=metrics, charges=charges(cpu))


def rows(study: StudyStore) -> dict[str, dict]:
    return {row["trial_id"]: row for row in fold_trials(study.read("trials")).to_pylist()}


def run_one(conductor: Conductor, cpu: float = 10.0) -> str:
    assignment = conductor.next_assignment()
    conductor.receive(assignment.trial_id, report(1, cpu / 2))
    conductor.receive(assignment.trial_id, closing(cpu))
    conductor.ended(assignment.trial_id, None)
    return assignment.trial_id


def test_a_finished_trial_has_its_metrics_and_its_energy(study, toy_spec):
    with Driver(study, toy_spec(budget=Budget(trials=1))) as conductor:
        trial_id = run_one(conductor)
        assert conductor.next_assignment() is None and conductor.finished
    row = rows(study)[trial_id]
    assert row["state"] == "complete" and row["accuracy"] == 0.9
    assert row["energy_joules"] == 10.0 and row["energy_setup_joules"] == 1.0
    assert row["emissions_grams"] == pytest.approx(10.0 / 3.6e6 * 500.0)
    energy = study.read("energy").to_pylist()
    assert [(e["component"], e["joules"]) for e in energy] == [("cpu", 10.0), ("setup", 1.0)]
    assert len(study.read("reports")) == 1


def test_a_process_that_is_done_without_a_closing_message_has_not_finished(study, toy_spec):
    with Driver(study, toy_spec()) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.receive(trial_id, report(1, 4.0))
        conductor.ended(trial_id, None)
        assert conductor.next_assignment().trial_id == trial_id
    first = study.read("trials").to_pylist()[1]
    assert first["state"] == "failed" and "closing message" in first["failure"]
    assert first["energy_joules"] == 4.0


def test_a_failure_keeps_its_reason_and_the_study_goes_on(study, toy_spec):
    failed = Closing(
        state="failed", charges=charges(3.0), failure="boom", retryable=False, traceback="tb"
    )
    with Driver(study, toy_spec(budget=Budget(trials=2))) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.receive(trial_id, failed)
        conductor.ended(trial_id, "TuneError: boom")
        other = run_one(conductor)
        assert conductor.next_assignment() is None and conductor.finished
    assert rows(study)[trial_id]["failure"] == "boom"
    assert rows(study)[other]["state"] == "complete"
    events = [e for e in study.read("events").to_pylist() if e["kind"] == "trial_failed"]
    assert json.loads(events[0]["details"])["traceback"] == "tb"


def test_stopping_leaves_a_resumable_trial(study, toy_spec):
    with Driver(study, toy_spec()) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.stop()
        conductor.ended(trial_id, None)
        assert conductor.next_assignment() is None and not conductor.finished
    assert rows(study)[trial_id]["state"] == "stopped"
    with Driver(study, toy_spec()) as conductor:
        assignment = conductor.next_assignment()
        assert (assignment.trial_id, assignment.attempt) == (trial_id, 2)


def test_a_killed_driver_loses_no_finished_trial_and_repeats_none(study, toy_spec):
    spec = toy_spec(budget=Budget(trials=4))
    with Driver(study, spec) as conductor:
        finished = [run_one(conductor), run_one(conductor)]
        lost = conductor.next_assignment().trial_id
        conductor.receive(lost, report(1, 6.0))
    with Driver(study, spec) as conductor:
        again = conductor.next_assignment()
        assert (again.trial_id, again.attempt) == (lost, 2)
        conductor.receive(lost, closing(8.0))
        conductor.ended(lost, None)
        finished += [lost, run_one(conductor)]
        assert conductor.next_assignment() is None and conductor.finished
    table = rows(study)
    assert sorted(finished) == sorted(table)
    assert {row["state"] for row in table.values()} == {"complete"}
    assert table[lost]["energy_joules"] == 8.0
    assert table[lost]["energy_retried_joules"] == 6.0
    spent = {"cpu": 0.0, "setup": 0.0}
    for row in study.read("energy").to_pylist():
        spent[row["component"]] += row["joules"]
    assert spent == {"cpu": 10.0 + 10.0 + 6.0 + 8.0 + 10.0, "setup": 4.0}
    with Driver(study, spec) as conductor:
        assert conductor.spent_joules == sum(spent.values())


def test_charges_written_just_before_the_kill_are_not_written_again(study, toy_spec):
    spec = toy_spec(budget=Budget(trials=1))
    with Driver(study, spec) as conductor:
        lost = conductor.next_assignment().trial_id
        conductor.receive(lost, report(1, 6.0))
    with study.writer() as writer:
        charge = {"host": "h", "device": "cpu", "component": "cpu", "provenance": "modelled"}
        writer.append("energy", [charge | {"trial_id": lost, "attempt": 1, "joules": 7.0}])
    with Driver(study, spec) as conductor:
        assert conductor.spent_joules == 7.0
    assert [row["joules"] for row in study.read("energy").to_pylist()] == [7.0]


def test_a_retry_goes_on_from_its_checkpoint_and_carries_its_energy(study, toy_spec, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.pt").write_bytes(b"w")
    with Driver(study, toy_spec()) as conductor:
        lost = conductor.next_assignment().trial_id
        save_checkpoint(study.path, lost, 1, 1, weights)
        conductor.receive(lost, report(1, 4.0))
        conductor.receive(lost, report(2, 7.0))
    with Driver(study, toy_spec()) as conductor:
        again = conductor.next_assignment()
        assert again.checkpoint is not None
        conductor.receive(lost, closing(5.0))
        conductor.ended(lost, None)
    row = rows(study)[lost]
    assert row["energy_joules"] == 9.0 and row["energy_retried_joules"] == pytest.approx(3.0)


def test_the_energy_budget_ends_the_study(study, toy_spec):
    spec = toy_spec(budget=Budget(energy_wh=20.0 / 3600))
    with Driver(study, spec) as conductor:
        run_one(conductor)
        run_one(conductor)
        assert conductor.next_assignment() is None and conductor.finished
        assert "Wh spent" in conductor.agenda.end_reason
    with Driver(study, spec) as conductor:
        assert conductor.spent_joules == pytest.approx(22.0)


def test_restored_parameters_keep_their_types(study, toy_spec):
    spec = toy_spec(space={"width": Choice((8, 16, "auto")), "depth": Int(1, 8)})
    with Driver(study, spec) as conductor:
        run_one(conductor)
        before = conductor.agenda.configurations[0].parameters
    with Driver(study, spec) as conductor:
        assert conductor.agenda.configurations[0].parameters == before


@pytest.mark.parametrize("metrics", [{"accuracy": float("nan"), "flops": 1.0}, {"accuracy": 0.5}])
def test_a_trial_without_its_objectives_has_failed_for_good(study, toy_spec, metrics):
    with Driver(study, toy_spec(budget=Budget(trials=1))) as conductor:
        trial_id = conductor.next_assignment().trial_id
        message = Closing(state="complete", metrics=metrics, charges=charges(3.0))
        conductor.receive(trial_id, message)
        conductor.ended(trial_id, None)
        assert conductor.next_assignment() is None and conductor.finished
    row = rows(study)[trial_id]
    assert row["state"] == "failed" and "must end as a finite number" in row["failure"]
    assert row["energy_joules"] == 3.0
