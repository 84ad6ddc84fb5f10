"""How trials and studies end early (rules, strict budgets, plateaus), and go on again."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from joulefront.launch.conductor import Conductor
from joulefront.spec import (
    Budget,
    Constraint,
    Energy,
    Float,
    Objective,
    Plateau,
    Replicates,
    Search,
    Stopping,
)
from joulefront.store import StudyStore, fold_trials, save_checkpoint
from joulefront.trial.messages import ChargeRow, Closing, Report

ENERGY = (Objective("accuracy", "maximise"), Objective("energy_joules", "minimise"))


def charges(joules: float) -> tuple[ChargeRow, ...]:
    row = ChargeRow(host="h", device="cpu", component="cpu", joules=joules, provenance="modelled")
    return (row,)


def play(conductor: Conductor, accuracies: list[float], joules: float = 10.0, **more: float) -> str:
    """Run the next trial as far as it is let; return how it ended, "" if there was none."""
    assignment = conductor.next_assignment()
    if assignment is None:
        return ""
    name = assignment.trial_id
    for epoch, accuracy in enumerate(accuracies, start=1):
        metrics = {"accuracy": accuracy} | more
        spent = charges(joules * epoch / len(accuracies))
        if conductor.receive(name, Report(epoch=epoch, metrics=metrics, charges=spent)):
            conductor.ended(name, None)
            return conductor.agenda.trial(name).state
    closing = Closing(state="complete", metrics=metrics, charges=charges(joules))
    conductor.receive(name, closing)
    conductor.ended(name, None)
    return conductor.agenda.trial(name).state


def rows(study: StudyStore) -> list[dict]:
    return fold_trials(study.read("trials")).to_pylist()


def details(study: StudyStore, kind: str) -> list[dict]:
    return [
        json.loads(row["details"])
        for row in study.read("events").to_pylist()
        if row["kind"] == kind
    ]


@pytest.fixture
def stopping_spec(toy_spec):
    return toy_spec(
        objectives=ENERGY,
        stopping=Stopping(rule="dominated", min_epochs=2),
        fixed={"work": 0.0, "epochs": 4},
        budget=Budget(trials=14),
    )


GOOD, BAD = [0.5, 0.7, 0.8, 0.9], [0.1, 0.1, 0.1, 0.1]


def prune_one(conductor: Conductor) -> None:
    for _ in range(10):
        assert play(conductor, GOOD) == "complete"
    assert play(conductor, BAD, joules=40.0) == "pruned"


def test_a_dominated_trial_is_pruned_billed_and_imputed(driver, study, stopping_spec):
    with driver(study, stopping_spec) as conductor:
        prune_one(conductor)
        assert conductor.spent_joules == pytest.approx(10 * 10.0 + 20.0)
        observation = conductor.agenda.history()[-1]
        assert observation.state == "stopped"
        assert observation.values[0] <= 0 and observation.values[1] >= 20.0
    row = rows(study)[-1]
    assert row["state"] == "pruned" and row["energy_joules"] == 20.0 and row["accuracy"] == 0.1
    assert row["failure"] == "stopping.rule: dominated"
    assert details(study, "trial_pruned")[0]["epoch"] == 2


def test_a_pruned_trial_is_finished_work(driver, study, stopping_spec):
    with driver(study, stopping_spec) as conductor:
        prune_one(conductor)
        before = conductor.agenda.history()
    with driver(study, stopping_spec) as conductor:
        assert conductor.agenda.history() == before
        assert play(conductor, BAD, joules=40.0) == "pruned"
        assert conductor.agenda.count("pruned") == 2


def test_a_trial_that_was_told_to_stop_stays_stopped_if_the_driver_dies(
    driver, study, stopping_spec
):
    with driver(study, stopping_spec) as conductor:
        for _ in range(10):
            play(conductor, GOOD)
        name = conductor.next_assignment().trial_id
        for epoch in (1, 2):
            report = Report(epoch=epoch, metrics={"accuracy": 0.1}, charges=charges(10.0 * epoch))
            told = conductor.receive(name, report)
        assert told
    with driver(study, stopping_spec) as conductor:
        assert conductor.agenda.trial(name).state == "pruned"
        assert conductor.next_assignment().trial_id != name


def test_replicates_are_never_pruned(driver, study, stopping_spec):
    spec = replace(stopping_spec, replicates=Replicates(folds=2, allocate="all"))
    with driver(study, spec) as conductor:
        for _ in range(10):
            play(conductor, GOOD)
        assert play(conductor, GOOD) == "complete"
        assert play(conductor, BAD, joules=40.0) == "complete"


def test_a_strict_budget_stops_what_runs_and_a_larger_one_lets_it_go_on(driver, study, toy_spec):
    budget = Budget(energy_wh=25.0 / 3600, strict=True)
    spec = toy_spec(objectives=ENERGY, budget=budget)
    with driver(study, spec) as conductor:
        assert play(conductor, GOOD, joules=20.0) == "complete"
        assert play(conductor, GOOD, joules=20.0) == "stopped"
        assert conductor.next_assignment() is None and conductor.finished
        assert conductor.agenda.ended.kind == "budget.energy_wh"
        assert conductor.spent_joules == pytest.approx(25.0)
    assert rows(study)[-1]["state"] == "stopped"
    with driver(study, replace(spec, budget=Budget(trials=2))) as conductor:
        again = conductor.next_assignment()
        assert (again.trial_id, again.attempt) == (rows(study)[-1]["trial_id"], 2)


def test_a_strict_budget_counts_what_runs_beside_a_trial_that_has_just_ended(
    driver, study, toy_spec
):
    budget = Budget(energy_wh=25.0 / 3600, strict=True)
    with driver(study, toy_spec(objectives=ENERGY, budget=budget)) as conductor:
        ends, runs = (conductor.next_assignment().trial_id for _ in range(2))
        metrics = {"accuracy": 0.5}
        conductor.receive(ends, Report(epoch=1, metrics=metrics, charges=charges(5.0)))
        conductor.receive(ends, Closing(state="complete", metrics=metrics, charges=charges(10.0)))
        reports = [Report(epoch=n, metrics=metrics, charges=charges(10.0 * n)) for n in (1, 2)]
        assert [conductor.receive(runs, report) for report in reports] == [False, True]


def test_a_spent_budget_starts_nothing_that_has_not_begun(driver, study, toy_spec):
    replicates = Replicates(folds=3, allocate="all")
    budget = Budget(energy_wh=15.0 / 3600)
    with driver(study, toy_spec(objectives=ENERGY, budget=budget, replicates=replicates)) as made:
        assert play(made, GOOD) == "complete"
        assert play(made, GOOD) == "complete"
        assert made.next_assignment() is None and made.finished
        assert made.spent_joules == pytest.approx(20.0), "no more than the trial in flight"


def test_emissions_end_the_search(driver, study, toy_spec):
    grams = 15.0 / 3.6e6 * 500.0
    energy = Energy(grams_per_kwh=500.0)
    spec = toy_spec(objectives=ENERGY, budget=Budget(emissions_grams=grams), energy=energy)
    with driver(study, spec) as conductor:
        play(conductor, GOOD)
        play(conductor, GOOD)
        assert conductor.next_assignment() is None
        assert conductor.agenda.ended.kind == "budget.emissions_grams"


def test_a_plateau_ends_the_search_from_the_stored_reference_point(driver, study, toy_spec):
    spec = toy_spec(objectives=ENERGY, budget=Budget(plateau=Plateau(gain=0.01, trials=5)))
    with driver(study, spec) as conductor:
        for number in range(10):
            play(conductor, [0.5 + 0.01 * min(number, 3)], joules=10.0)
        assert conductor.next_assignment() is None, "it has not grown for six configurations"
        assert conductor.agenda.ended.kind == "budget.plateau"
    (reference,) = details(study, "reference_point")
    assert reference["accuracy"] < 0.5 and reference["energy_joules"] > 10.0
    with driver(study, spec) as conductor:
        assert conductor.next_assignment() is None
    assert len(details(study, "reference_point")) == 1


def test_an_infeasible_configuration_is_kept_and_told_as_such(driver, study, toy_spec):
    constraints = (Constraint.parse("sensitivity >= 0.6"),)
    with driver(study, toy_spec(objectives=ENERGY, constraints=constraints)) as conductor:
        assert play(conductor, GOOD, sensitivity=0.5) == "complete"
        assert play(conductor, GOOD, sensitivity=0.7) == "complete"
        assert play(conductor, GOOD) == "complete"
        told = [observation.constraints[0] for observation in conductor.agenda.history()]
        assert told[0] == pytest.approx(0.1) and told[1] == pytest.approx(-0.1)
        assert told[2] == float("inf")
    assert details(study, "constraint_unknown")[0]["metric"] == "sensitivity"


def test_known_points_come_first_and_are_completed(driver, study, toy_spec):
    search = Search(sampler="random", enqueue=({"width": 64}, {"activation": "tanh"}))
    with driver(study, toy_spec(objectives=ENERGY, search=search)) as conductor:
        for _ in range(3):
            play(conductor, GOOD)
        first, second, third = conductor.agenda.configurations
    assert first.parameters["width"] == 64 and second.parameters["activation"] == "tanh"
    assert set(first.parameters) == set(third.parameters)
    assert [row["role"] for row in rows(study)] == ["enqueued", "enqueued", "search"]


def test_a_repeated_proposal_becomes_a_replicate_and_counts_as_a_proposal(driver, study, toy_spec):
    space = {"width": Float(0.0, 1.0, step=1.0)}
    search = Search(sampler="random", concurrent=1)
    spec = toy_spec(objectives=ENERGY, space=space, search=search, budget=Budget(trials=6))
    with driver(study, spec) as conductor:
        for _ in range(3):
            play(conductor, GOOD)
        before = conductor.agenda.history()
    with driver(study, spec) as conductor:
        assert conductor.agenda.history() == before
        assert conductor.agenda.proposals == 3
        for _ in range(3):
            play(conductor, GOOD)
        assert conductor.next_assignment() is None
    table = rows(study)
    assert len(table) == 6 and len({row["config_id"] for row in table}) <= 2
    assert len({(row["config_id"], row["seed"]) for row in table}) == 6
    assert [row["proposal_index"] for row in table] == list(range(6))


def test_a_repeated_proposal_keeps_all_its_folds_if_the_driver_dies(driver, study, toy_spec):
    replicates = Replicates(folds=3, allocate="all")
    space = {"width": Float(0.0, 1.0, step=1.0)}
    spec = toy_spec(objectives=ENERGY, space=space, replicates=replicates, budget=Budget(trials=3))
    with driver(study, spec) as conductor:
        while conductor.agenda.proposals < 3:
            play(conductor, GOOD)
        planned = [trial.trial_id for trial in conductor.agenda.trials()]
        assert len(planned) == 9 and conductor.agenda.count("queued") == 2
    with driver(study, spec) as conductor:
        assert sorted(trial.trial_id for trial in conductor.agenda.trials()) == sorted(planned)
        while play(conductor, GOOD):
            pass
        assert conductor.finished and conductor.agenda.count("complete") == 9


def test_curves_carry_the_energy_of_earlier_attempts_over_a_resume(
    driver, study, stopping_spec, tmp_path
):
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "model.pt").write_bytes(b"w")
    with driver(study, stopping_spec) as conductor:
        name = conductor.next_assignment().trial_id
        save_checkpoint(study.path, name, 1, 1, weights)
        report = Report(epoch=1, metrics={"accuracy": 0.5}, charges=charges(5.0))
        conductor.receive(name, report)
        conductor.ended(name, "killed")
        assert conductor.next_assignment().attempt == 2
        for epoch in (2, 3, 4):
            report = Report(epoch=epoch, metrics={"accuracy": 0.6}, charges=charges(3.0 * epoch))
            conductor.receive(name, report)
        closing = Closing(state="complete", metrics={"accuracy": 0.6}, charges=charges(12.0))
        conductor.receive(name, closing)
        conductor.ended(name, None)
        (before,) = conductor._curves.others("")
    assert before.objectives[:, 1].tolist() == [11.0, 14.0, 17.0]
    with driver(study, stopping_spec) as conductor:
        (after,) = conductor._curves.others("")
    assert after.epochs.tolist() == before.epochs.tolist() == [2, 3, 4]
    assert after.objectives.tolist() == before.objectives.tolist()


def test_halving_compares_with_trials_that_still_run(driver, study, stopping_spec):
    stopping = Stopping(rule="successive_halving", min_epochs=1, reduction=2)
    with driver(study, replace(stopping_spec, stopping=stopping)) as conductor:
        play(conductor, GOOD)
        names = [conductor.next_assignment().trial_id for _ in range(3)]
        reports = [
            Report(epoch=1, metrics={"accuracy": accuracy}, charges=charges(1.0 / accuracy))
            for accuracy in (0.8, 0.7, 0.6)
        ]
        told = [conductor.receive(*one) for one in zip(names, reports, strict=True)]
        assert told == [False, False, True], "better than the one that has ended, not than these"


def test_the_race_spends_its_share_and_no_more_than_its_most(driver, study, toy_spec):
    replicates = Replicates(folds=2, seeds=2, allocate="front", share=0.4)
    spec = toy_spec(objectives=ENERGY, replicates=replicates, budget=Budget(trials=10))
    with driver(study, spec) as conductor:
        number = 0
        while play(conductor, [0.5 + 0.07 * (number * 7 % 5)], joules=5.0 + number % 4):
            number += 1
        trials = list(conductor.agenda.trials())
        again = [trial for trial in trials if trial.role == "replicate"]
        assert conductor.finished and len(conductor.agenda.configurations) == 10
        share = sum(t.joules for t in again) / sum(t.joules for t in trials)
        assert 0.3 <= share <= 0.5
        assert max(len(one.trials) for one in conductor.agenda.configurations) <= 4
        before = conductor.agenda.history()
    with driver(study, spec) as conductor:
        assert conductor.agenda.history() == before and conductor.next_assignment() is None


@pytest.mark.slow
@pytest.mark.parametrize("every", [1, 7])
@pytest.mark.parametrize(
    ("sampler", "rule"),
    [("auto", "successive_halving"), ("tpe", "successive_halving"), ("random", "dominated")],
)
def test_a_study_that_is_killed_often_measures_what_an_undisturbed_one_does(
    driver, tmp_path, stopping_spec, sampler, rule, every
):
    spec = replace(
        stopping_spec,
        stopping=Stopping(rule=rule, min_epochs=1, reduction=2),
        search=Search(sampler=sampler, concurrent=1, enqueue=({"width": 64},)),
        replicates=Replicates(folds=2, seeds=2, allocate="front", share=0.3),
        constraints=(Constraint.parse("sensitivity >= 0.3"),),
        budget=Budget(trials=30, plateau=Plateau(gain=1e-9, trials=25)),
    )

    def run(folder: str, most: int) -> list[tuple[str, str, float, float]]:
        study = StudyStore.create(tmp_path / folder, {"name": "toy"})
        going = True
        while going:
            with driver(study, spec) as conductor:
                for _ in range(most):
                    going = going and play_fairly(conductor)
        return [
            (row["trial_id"], row["state"], row["params.width"], row["params.learning_rate"])
            for row in rows(study)
        ]

    undisturbed = run("whole", 1000)
    assert {state for _, state, *_ in undisturbed} == {"complete", "pruned"}
    assert any(not name.endswith("f0-s0") for name, *_ in undisturbed)
    assert run("killed", every) == undisturbed


def play_fairly(conductor: Conductor) -> bool:
    """Run the next trial, whose accuracy rises with its width and its joules too."""
    assignment = conductor.next_assignment()
    if assignment is None:
        return False
    parameters, name = assignment.parameters, assignment.trial_id
    best = 1 - 8 / parameters["width"] - 0.1 * parameters["learning_rate"] + 0.02 * assignment.fold
    joules = 5.0 + parameters["width"] * (4 if parameters["activation"] == "tanh" else 1)
    for epoch in range(1, 5):
        metrics = {"accuracy": best * (1 - 0.5**epoch), "sensitivity": best}
        spent = charges(joules * epoch / 4)
        if conductor.receive(name, Report(epoch=epoch, metrics=metrics, charges=spent)):
            conductor.ended(name, None)
            return True
    conductor.receive(name, Closing(state="complete", metrics=metrics, charges=charges(joules)))
    conductor.ended(name, None)
    return True
