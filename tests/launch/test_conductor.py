"""The conductor with a store and without Ray: the test plays the workers."""

from __future__ import annotations

import dataclasses
import json
import math

import pytest

from joulefront.launch.agenda import MOST_NODES_LOST, MOST_REMEASUREMENTS
from joulefront.launch.conductor import Conductor
from joulefront.launch.plan import NodeEnd
from joulefront.spec import Budget, Choice, Energy, Int, Objective, PerTrial
from joulefront.store import StudyStore, fold_trials, save_checkpoint
from joulefront.trial.messages import ChargeRow, Closing, Report


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


def test_a_finished_trial_has_its_metrics_and_its_energy(driver, study, toy_spec):
    with driver(study, toy_spec(budget=Budget(trials=1))) as conductor:
        trial_id = run_one(conductor)
        assert conductor.next_assignment() is None and conductor.finished
    row = rows(study)[trial_id]
    assert row["state"] == "complete" and row["accuracy"] == 0.9
    assert row["energy_joules"] == 10.0 and row["energy_setup_joules"] == 1.0
    assert row["emissions_grams"] == pytest.approx(10.0 / 3.6e6 * 500.0)
    energy = study.read("energy").to_pylist()
    assert [(e["component"], e["joules"]) for e in energy] == [("cpu", 10.0), ("setup", 1.0)]
    assert len(study.read("reports")) == 1


def test_a_process_that_is_done_without_a_closing_message_has_not_finished(driver, study, toy_spec):
    with driver(study, toy_spec()) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.receive(trial_id, report(1, 4.0))
        conductor.ended(trial_id, None)
        assert conductor.next_assignment().trial_id == trial_id
    first = study.read("trials").to_pylist()[1]
    assert first["state"] == "failed" and "closing message" in first["failure"]
    assert first["energy_joules"] == 4.0


def test_a_failure_keeps_its_reason_and_the_study_goes_on(driver, study, toy_spec):
    failed = Closing(
        state="failed", charges=charges(3.0), failure="boom", retryable=False, traceback="tb"
    )
    with driver(study, toy_spec(budget=Budget(trials=2))) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.receive(trial_id, failed)
        conductor.ended(trial_id, "TuneError: boom")
        other = run_one(conductor)
        assert conductor.next_assignment() is None and conductor.finished
    assert rows(study)[trial_id]["failure"] == "boom"
    assert rows(study)[other]["state"] == "complete"
    events = [e for e in study.read("events").to_pylist() if e["kind"] == "trial_failed"]
    assert json.loads(events[0]["details"])["traceback"] == "tb"


def test_a_resume_remembers_failures_of_memory_lost_nodes_and_waits(driver, study, toy_spec):
    spec = toy_spec(budget=Budget(trials=1), per_trial=PerTrial(max_failures=5))
    with driver(study, spec) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.ended(trial_id, "lost", NodeEnd(host="h", notice=False))
        conductor.next_assignment()
        conductor.ended(trial_id, "out of memory", out_of_memory=True)
        conductor.next_assignment()
        conductor.ended(trial_id, "boom")
        told = study.read("events").to_pylist()[-1]
        assert json.loads(told["details"])["after_seconds"] == 1.0
    with driver(study, spec) as conductor:
        assert conductor.next_assignment() is None  # it waits for its second
        trial = conductor.agenda.trial(trial_id)
        assert (trial.failures, trial.memory_failures, trial.nodes_lost) == (2, 1, 1)
        trial.not_before = 0.0
        assert conductor.next_assignment().attempt == 4
        conductor.ended(trial_id, "out of memory", out_of_memory=True)
        assert conductor.agenda.count("failed") == 1
    with driver(study, spec) as conductor:
        assert conductor.agenda.count("failed") == 1
        assert not conductor.agenda.is_hopeless


def test_stopping_leaves_a_resumable_trial(driver, study, toy_spec):
    with driver(study, toy_spec()) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.stop()
        conductor.ended(trial_id, None)
        assert conductor.next_assignment() is None and not conductor.finished
    assert rows(study)[trial_id]["state"] == "stopped"
    with driver(study, toy_spec()) as conductor:
        assignment = conductor.next_assignment()
        assert (assignment.trial_id, assignment.attempt) == (trial_id, 2)


def test_a_killed_driver_loses_no_finished_trial_and_repeats_none(driver, study, toy_spec):
    spec = toy_spec(budget=Budget(trials=4))
    with driver(study, spec) as conductor:
        finished = [run_one(conductor), run_one(conductor)]
        lost = conductor.next_assignment().trial_id
        conductor.receive(lost, report(1, 6.0))
    with driver(study, spec) as conductor:
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
    with driver(study, spec) as conductor:
        assert conductor.spent_joules == sum(spent.values())


def test_charges_written_just_before_the_kill_are_not_written_again(driver, study, toy_spec):
    spec = toy_spec(budget=Budget(trials=1))
    with driver(study, spec) as conductor:
        lost = conductor.next_assignment().trial_id
        conductor.receive(lost, report(1, 6.0))
    with study.writer() as writer:
        charge = {"host": "h", "device": "cpu", "component": "cpu", "provenance": "modelled"}
        writer.append("energy", [charge | {"trial_id": lost, "attempt": 1, "joules": 7.0}])
    with driver(study, spec) as conductor:
        assert conductor.spent_joules == 7.0
    assert [row["joules"] for row in study.read("energy").to_pylist()] == [7.0]


def test_a_retry_goes_on_from_its_checkpoint_and_carries_its_energy(
    driver, study, toy_spec, tmp_path
):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.pt").write_bytes(b"w")
    with driver(study, toy_spec()) as conductor:
        lost = conductor.next_assignment().trial_id
        save_checkpoint(study.path, lost, 1, 1, weights)
        conductor.receive(lost, report(1, 4.0))
        conductor.receive(lost, report(2, 7.0))
    with driver(study, toy_spec()) as conductor:
        again = conductor.next_assignment()
        assert again.checkpoint is not None
        conductor.receive(lost, closing(5.0))
        conductor.ended(lost, None)
    row = rows(study)[lost]
    assert row["energy_joules"] == 9.0 and row["energy_retried_joules"] == pytest.approx(3.0)


def test_the_energy_budget_ends_the_study(driver, study, toy_spec):
    spec = toy_spec(budget=Budget(energy_wh=20.0 / 3600))
    with driver(study, spec) as conductor:
        run_one(conductor)
        run_one(conductor)
        assert conductor.next_assignment() is None and conductor.finished
        assert "Wh are spent" in conductor.agenda.end_reason
    with driver(study, spec) as conductor:
        assert conductor.spent_joules == pytest.approx(22.0)


def test_restored_parameters_keep_their_types(driver, study, toy_spec):
    spec = toy_spec(space={"width": Choice((8, 16, "auto")), "depth": Int(1, 8)})
    with driver(study, spec) as conductor:
        run_one(conductor)
        before = conductor.agenda.configurations[0].parameters
    with driver(study, spec) as conductor:
        assert conductor.agenda.configurations[0].parameters == before


@pytest.mark.parametrize("metrics", [{"accuracy": float("nan"), "flops": 1.0}, {"accuracy": 0.5}])
def test_a_trial_without_its_objectives_has_failed_for_good(driver, study, toy_spec, metrics):
    with driver(study, toy_spec(budget=Budget(trials=1))) as conductor:
        trial_id = conductor.next_assignment().trial_id
        message = Closing(state="complete", metrics=metrics, charges=charges(3.0))
        conductor.receive(trial_id, message)
        conductor.ended(trial_id, None)
        assert conductor.next_assignment() is None and conductor.finished
    row = rows(study)[trial_id]
    assert row["state"] == "failed" and "must end as a finite number" in row["failure"]
    assert row["energy_joules"] == 3.0


def degraded(cpu: float = 10.0) -> Closing:
    return dataclasses.replace(closing(cpu), quality_reasons=("run queue 12%", "coverage 80%"))


def test_a_trial_tells_how_well_it_was_measured(driver, study, toy_spec):
    with driver(study, toy_spec(budget=Budget(trials=1))) as conductor:
        assignment = conductor.next_assignment()
        assert assignment.node_class == "a machine"
        ended = dataclasses.replace(
            degraded(),
            charges=(
                *charges(10.0),
                ChargeRow(
                    host="h", device="ram", component="ram", joules=2.0, provenance="constant"
                ),
                ChargeRow(
                    host="h", device="cpu", component="inference", joules=3.0, provenance="modelled"
                ),
            ),
            foreign_cpu_share=0.25,
            node_class="a machine",
            inference_energy_joules_per_sample=0.03,
        )
        conductor.receive(assignment.trial_id, ended)
        assert conductor.spent_joules == 10.0 + 1.0 + 3.0
    row = rows(study)[assignment.trial_id]
    assert (row["state"], row["quality"]) == ("complete", "degraded")
    assert row["quality_reasons"] == "run queue 12%, coverage 80%"
    assert row["foreign_cpu_share"] == 0.25 and row["node_class"] == "a machine"
    assert row["energy_joules"] == 10.0 and row["energy_total_joules"] == 12.0
    assert row["energy_inference_joules"] == 3.0
    assert row["inference_energy_joules_per_sample"] == 0.03


def test_an_energy_with_a_lost_counter_is_no_objective(driver, study, toy_spec):
    spec = toy_spec(objectives=(Objective("energy_joules", "minimise"),), budget=Budget(trials=1))
    lost = ChargeRow(
        host="h", device="GPU-0", component="gpu", joules=5.0, provenance="counter", known=False
    )
    with driver(study, spec) as conductor:
        trial_id = conductor.next_assignment().trial_id
        ended = dataclasses.replace(closing(), charges=(*charges(10.0), lost))
        conductor.receive(trial_id, ended)
        assert conductor.spent_joules == 16.0, "what is known has been spent"
    row = rows(study)[trial_id]
    assert row["state"] == "failed" and "must end as a finite number" in row["failure"]
    assert math.isnan(row["energy_gpu_joules"]) and row["energy_cpu_joules"] == 10.0


def test_a_lost_attempt_is_billed_by_the_ledger(driver, study, toy_spec, write_ledger):
    with driver(study, toy_spec()) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.receive(trial_id, report(1, 4.0))
        write_ledger(trial_id, 1, trial_seconds=2.0, search_seconds=0.0)
        conductor.ended(trial_id, "its process died")
        assert conductor.spent_joules == pytest.approx(20.0)
        again = conductor.next_assignment()
        assert (again.trial_id, again.attempt) == (trial_id, 2)
        conductor.receive(trial_id, closing(8.0))
        conductor.ended(trial_id, None)
    lost = study.read("trials").to_pylist()[1]
    assert lost["energy_joules"] == pytest.approx(20.0)
    assert lost["quality"] == "degraded" and lost["quality_reasons"].startswith("process lost")
    row = rows(study)[trial_id]
    assert row["energy_joules"] == 8.0 and row["quality"] == "good"
    assert row["energy_retried_joules"] == pytest.approx(20.0)
    billed = {e["component"]: e for e in study.read("energy").to_pylist() if e["attempt"] == 1}
    assert billed["cpu"]["joules"] == pytest.approx(20.0)
    assert billed["cpu"]["host"] == "h" and billed["cpu"]["shared"] is False
    assert billed["idle"]["provenance"] == "constant"


def test_an_attempt_that_was_lost_with_its_driver_is_billed_by_the_ledger_once(
    driver, study, toy_spec, write_ledger
):
    with driver(study, toy_spec()) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.receive(trial_id, report(1, 4.0))
        write_ledger(trial_id, 1, trial_seconds=2.0, search_seconds=0.5)
    for _ in range(2):
        with driver(study, toy_spec()) as conductor:
            assert conductor.spent_joules == pytest.approx(20.0 + 5.0)
    billed = [e["joules"] for e in study.read("energy").to_pylist() if e["component"] == "cpu"]
    assert billed == [pytest.approx(20.0)]


def test_a_report_that_is_later_than_the_last_sample_wins(driver, study, toy_spec, write_ledger):
    with driver(study, toy_spec()) as conductor:
        trial_id = conductor.next_assignment().trial_id
        write_ledger(trial_id, 1, trial_seconds=0.2, search_seconds=0.0)
        conductor.receive(trial_id, report(1, 4.0))
        conductor.ended(trial_id, "its process died")
        assert conductor.spent_joules == 5.0


def test_the_search_itself_counts_against_the_energy_budget(driver, study, toy_spec, write_ledger):
    spec = toy_spec(budget=Budget(energy_wh=1.0))
    write_ledger("", 0, trial_seconds=0.0, search_seconds=10.0)
    clock = iter([5.0, 5.0, 15.0, 15.0])
    with driver(study, spec) as conductor:
        assert conductor.spent_joules == pytest.approx(100.0)
    header = {"power_model": {"joules_per_cpu_second": 350.0}}
    with driver(study, spec) as made:
        conductor = Conductor(
            made.agenda,
            made._recorder,
            store=study.path,
            header=header,
            searched_joules=100.0,
            cpu_clock=lambda: next(clock),
        )
        assert conductor.spent_joules == pytest.approx(100.0)
        assert conductor.spent_joules == pytest.approx(100.0 + 10.0 * 350.0)
        assert conductor.next_assignment() is None
        assert conductor.agenda.end_reason == "budget.energy_wh: 1 of 1 Wh are spent"


def strict(toy_spec, trials: int = 1):
    return toy_spec(energy=Energy(quality="strict"), budget=Budget(trials=trials))


def test_strict_measures_a_degraded_trial_again_from_scratch(driver, study, toy_spec, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.pt").write_bytes(b"w")
    with driver(study, strict(toy_spec)) as conductor:
        trial_id = conductor.next_assignment().trial_id
        save_checkpoint(study.path, trial_id, 1, 1, weights)
        conductor.receive(trial_id, degraded(10.0))
        again = conductor.next_assignment()
        assert (again.trial_id, again.attempt, again.checkpoint) == (trial_id, 2, None)
        conductor.ended(trial_id, None)
        conductor.receive(trial_id, closing(7.0))
        conductor.ended(trial_id, None)
        assert conductor.next_assignment() is None and conductor.finished
    row = rows(study)[trial_id]
    assert (row["attempt"], row["state"], row["quality"]) == (2, "complete", "good")
    assert row["energy_joules"] == 7.0 and row["energy_retried_joules"] == 10.0


def test_strict_gives_up_after_some_measurements(driver, study, toy_spec):
    with driver(study, strict(toy_spec)) as conductor:
        for attempt in range(1, MOST_REMEASUREMENTS + 2):
            assignment = conductor.next_assignment()
            assert assignment.attempt == attempt
            conductor.receive(assignment.trial_id, degraded())
            conductor.ended(assignment.trial_id, None)
        assert conductor.next_assignment() is None and conductor.finished
    row = rows(study)[assignment.trial_id]
    assert (row["state"], row["quality"]) == ("complete", "degraded")
    assert row["energy_retried_joules"] == MOST_REMEASUREMENTS * 10.0


def test_warn_keeps_a_degraded_trial(driver, study, toy_spec):
    with driver(study, toy_spec(budget=Budget(trials=1))) as conductor:
        conductor.receive(conductor.next_assignment().trial_id, degraded())
        assert conductor.next_assignment() is None and conductor.finished


def test_a_resumed_study_remembers_what_was_measured_badly(driver, study, toy_spec, tmp_path):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.pt").write_bytes(b"w")
    with driver(study, strict(toy_spec)) as conductor:
        trial_id = conductor.next_assignment().trial_id
        save_checkpoint(study.path, trial_id, 1, 1, weights)
        conductor.receive(trial_id, degraded())
    with driver(study, strict(toy_spec)) as conductor:
        again = conductor.next_assignment()
        assert (again.attempt, again.checkpoint) == (2, None)
        save_checkpoint(study.path, trial_id, 2, 1, weights)
        conductor.receive(trial_id, report(1, 3.0))
    with driver(study, strict(toy_spec)) as conductor:
        again = conductor.next_assignment()
        assert again.attempt == 3 and again.checkpoint is not None
        conductor.receive(trial_id, degraded(5.0))
        conductor.ended(trial_id, None)
        assert conductor.next_assignment().attempt == 4
        conductor.receive(trial_id, degraded(6.0))
        conductor.ended(trial_id, None)
        assert conductor.next_assignment() is None and conductor.finished
    row = rows(study)[trial_id]
    assert row["energy_joules"] == 6.0 and row["energy_retried_joules"] == 10.0 + 3.0 + 5.0
    with driver(study, strict(toy_spec)) as conductor:
        assert conductor.next_assignment() is None and conductor.finished


def test_an_attempt_is_told_what_was_reported_with_its_checkpoint(
    driver, study, toy_spec, tmp_path
):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.pt").write_bytes(b"w")
    with driver(study, toy_spec()) as conductor:
        trial_id = conductor.next_assignment().trial_id
        save_checkpoint(study.path, trial_id, 1, 4, weights, {"accuracy": 0.75})
    with driver(study, toy_spec()) as conductor:
        again = conductor.next_assignment()
        assert (again.checkpoint_epoch, again.checkpoint_metrics) == (4, {"accuracy": 0.75})


def test_a_trial_that_is_lost_with_its_node_goes_on_without_a_failure(driver, study, toy_spec):
    gone, going = NodeEnd(host="a", notice=False), NodeEnd(host="a", notice=True)
    spec = toy_spec(budget=Budget(trials=1), per_trial=PerTrial(max_failures=0))
    with driver(study, spec) as conductor:
        for node in (going, gone):
            assignment = conductor.next_assignment()
            conductor.ended(assignment.trial_id, "it died", node)
        assert run_one(conductor) == assignment.trial_id
    (row,) = rows(study).values()
    assert (row["state"], row["attempt"]) == ("complete", 3)
    events = [(e["kind"], json.loads(e["details"])) for e in study.read("events").to_pylist()]
    kinds = [e for e in events if e[0] in ("preemption_notice", "node_lost", "trial_failed")]
    assert kinds == [("preemption_notice", {"host": "a"}), ("node_lost", {"host": "a"})]


def test_a_trial_that_takes_every_node_down_fails_in_the_end(driver, study, toy_spec):
    spec = toy_spec(budget=Budget(trials=1), per_trial=PerTrial(max_failures=0))
    with driver(study, spec) as conductor:
        for _ in range(MOST_NODES_LOST + 1):
            trial_id = conductor.next_assignment().trial_id
            conductor.ended(trial_id, "it died", NodeEnd(host="a", notice=False))
        assert conductor.next_assignment() is None
    assert rows(study)[trial_id]["state"] == "failed"


def test_a_trial_whose_process_another_does_not_leave_has_not_failed(driver, study, toy_spec):
    spec = toy_spec(budget=Budget(trials=1), per_trial=PerTrial(max_failures=0))
    with driver(study, spec) as conductor:
        trial_id = conductor.next_assignment().trial_id
        conductor.unbegun(trial_id)
        assert run_one(conductor) == trial_id
        assert conductor.next_assignment() is None and conductor.finished
    row = rows(study)[trial_id]
    assert (row["state"], row["attempt"]) == ("complete", 2)
    ends = [r for r in study.read("trials").to_pylist() if r["kind"] == "end"]
    assert [r["state"] for r in ends] == ["stopped", "complete"]
