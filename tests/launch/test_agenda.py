from __future__ import annotations

import dataclasses

import pytest

from joulefront.launch.agenda import MOST_FAILED_AT_FIRST, Agenda
from joulefront.launch.assigning import assignment_of
from joulefront.spec import Budget, Choice, Int, PerTrial, Replicates, Search
from joulefront.stopping import End


def drain(agenda: Agenda, values=lambda trial: (0.5, 1.0)) -> list[str]:
    order = []
    while (trial := agenda.next_trial()) is not None:
        order.append(trial.trial_id)
        agenda.complete(trial.trial_id, values(trial))
    return order


def test_proposes_until_the_budget_ends(toy_spec):
    agenda = Agenda(toy_spec(budget=Budget(trials=3)))
    assert drain(agenda) == ["c0000-f0-s0", "c0001-f0-s0", "c0002-f0-s0"]
    assert (
        agenda.finished
        and agenda.end_reason == "budget.trials: 3 of 3 configurations were proposed"
    )


def test_replicates_run_folds_before_seeds_and_share_a_configuration(toy_spec):
    replicates = Replicates(folds=2, seeds=2, allocate="all")
    agenda = Agenda(toy_spec(budget=Budget(trials=2), replicates=replicates))
    order = drain(agenda)
    assert order[:4] == ["c0000-f0-s0", "c0000-f1-s0", "c0000-f0-s1", "c0000-f1-s1"]
    assert len(order) == 8
    first = agenda.configurations[0]
    assert [trial.role for trial in first.trials] == ["search"] + ["replicate"] * 3
    assert {trial.seed for trial in first.trials} == {0, 1}


def test_the_sampler_sees_the_mean_minimised(toy_spec):
    replicates = Replicates(folds=2, seeds=1, allocate="all")
    agenda = Agenda(toy_spec(budget=Budget(trials=1), replicates=replicates))
    drain(agenda, lambda trial: (0.6 + 0.2 * trial.fold, 10.0))
    (observation,) = agenda.history()
    assert observation.state == "complete"
    assert observation.values == pytest.approx((-0.7, 10.0))


def test_a_configuration_is_running_until_its_last_replicate(toy_spec):
    replicates = Replicates(folds=2, seeds=1, allocate="all")
    agenda = Agenda(toy_spec(replicates=replicates))
    trial = agenda.next_trial()
    agenda.complete(trial.trial_id, (0.5, 1.0))
    assert [o.state for o in agenda.history()] == ["running"]


def test_a_failure_is_retried_and_then_final(toy_spec):
    agenda = Agenda(toy_spec(budget=Budget(trials=1)))
    trial = agenda.next_trial()
    assert agenda.fail(trial.trial_id, retryable=True)
    again = agenda.next_trial()
    assert again is trial and again.attempt == 2
    assert not agenda.fail(trial.trial_id, retryable=True)
    assert trial.state == "failed" and agenda.next_trial() is None and agenda.finished
    assert [o.state for o in agenda.history()] == ["failed"]


def test_what_cannot_end_differently_is_not_retried(toy_spec):
    agenda = Agenda(toy_spec())
    trial = agenda.next_trial()
    assert not agenda.fail(trial.trial_id, retryable=False)


def test_a_failed_configuration_gives_up_its_other_replicates(toy_spec):
    replicates = Replicates(folds=5, seeds=1, allocate="all")
    agenda = Agenda(toy_spec(budget=Budget(trials=1), replicates=replicates))
    agenda.fail(agenda.next_trial().trial_id, retryable=False)
    assert agenda.next_trial() is None and agenda.finished


def test_lost_trials_run_again_before_anything_new(toy_spec):
    agenda = Agenda(toy_spec())
    lost, other = agenda.next_trial(), agenda.next_trial()
    agenda.requeue(lost.trial_id)
    assert agenda.next_trial() is lost and lost.failures == 0
    assert agenda.next_trial() not in (lost, other)


def test_an_end_lets_replicates_finish_but_proposes_nothing(toy_spec):
    replicates = Replicates(folds=2, seeds=1, allocate="all")
    agenda = Agenda(toy_spec(replicates=replicates))
    first = agenda.next_trial()
    agenda.end(End("budget.plateau", "it does not grow"))
    second = agenda.next_trial()
    assert second.config_id == first.config_id and agenda.next_trial() is None


def test_the_grid_ends_the_study(toy_spec):
    space = {"width": Int(8, 10), "activation": Choice(("relu", "tanh"))}
    spec = toy_spec(space=space, search=Search(sampler="grid"), budget=Budget(trials=100))
    agenda = Agenda(spec)
    assert len(drain(agenda)) == 6
    assert agenda.end_reason == "search.sampler: the grid is exhausted"


@pytest.mark.parametrize("sampler", ["tpe", "gp", "random", "grid"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # L-BFGS on a toy may stop early; no matter
def test_an_interrupted_study_proposes_what_an_undisturbed_one_does(toy_spec, sampler):
    space = {"width": Int(8, 64, log=True), "activation": Choice(("relu", "tanh"))}
    spec = toy_spec(space=space, search=Search(sampler=sampler), budget=Budget(trials=14))

    def values(trial) -> tuple[float, float]:
        parameters = agenda.configuration_of(trial).parameters
        return (1 / parameters["width"], float(parameters["width"]))

    agenda = Agenda(spec)
    drain(agenda, values)
    whole = [configuration.parameters for configuration in agenda.configurations]

    begun = [t for t in agenda.trials() if t.proposal_index < 10]
    agenda = Agenda(spec)
    for trial in begun:
        number = int(trial.config_id[1:])
        if number == len(agenda.configurations):
            agenda.add(whole[number], {}, proposal_index=trial.proposal_index)
        else:
            agenda.add_trial(
                agenda.configurations[number],
                trial.fold,
                trial.seed,
                "replicate",
                trial.proposal_index,
            )
    drain(agenda, values)
    assert [configuration.parameters for configuration in agenda.configurations] == whole


def test_a_choice_of_mixed_types_is_one_column_of_text(toy_spec):
    spec = toy_spec(space={"width": Choice((8, 16, "auto"))}, fixed={})
    configuration = Agenda(spec).add({"width": 8}, {})
    assert configuration.parameters == {"width": 8} and configuration.columns == {"width": "8"}


def test_an_assignment_carries_fixed_and_proposed_values(toy_spec):
    agenda = Agenda(toy_spec(fixed={"work": 0.0, "epochs": 2}))
    trial = agenda.next_trial()
    assignment = assignment_of(trial, agenda.configuration_of(trial), agenda.spec)
    assert assignment.parameters["epochs"] == 2 and "width" in assignment.parameters
    assert assignment.objectives == ("accuracy", "flops")
    assert dataclasses.replace(assignment) == type(assignment).from_json(assignment.to_json())


def test_a_failed_trial_waits_longer_each_time_and_others_go_on(toy_spec):
    now = [0.0]
    each = PerTrial(max_failures=3)
    agenda = Agenda(toy_spec(budget=Budget(trials=3), per_trial=each), clock=lambda: now[0])
    first = agenda.next_trial().trial_id
    assert agenda.fail(first, retryable=True)
    assert agenda.next_trial().trial_id == first, "the first time at once"
    assert agenda.fail(first, retryable=True)
    second = agenda.next_trial().trial_id
    assert second != first
    now[0] = 1.0
    assert agenda.next_trial().trial_id == first
    assert agenda.fail(first, retryable=True)
    agenda.complete(second, (0.5, 1.0))
    third = agenda.next_trial().trial_id
    agenda.complete(third, (0.5, 1.0))
    now[0] = 2.9
    assert agenda.next_trial() is None and not agenda.finished
    now[0] = 3.0
    assert agenda.next_trial().trial_id == first
    agenda.complete(first, (0.5, 1.0))
    assert agenda.next_trial() is None and agenda.finished


def test_a_trial_that_was_out_of_memory_is_tried_once_more(toy_spec):
    each = PerTrial(max_failures=5)
    agenda = Agenda(toy_spec(budget=Budget(trials=1), per_trial=each), clock=lambda: 0.0)
    trial = agenda.next_trial().trial_id
    assert agenda.fail(trial, retryable=True, out_of_memory=True)
    assert not agenda.fail(trial, retryable=True, out_of_memory=True)


def test_other_failures_do_not_use_up_the_retry_for_memory(toy_spec):
    each = PerTrial(max_failures=5)
    agenda = Agenda(toy_spec(budget=Budget(trials=1), per_trial=each), clock=lambda: 0.0)
    trial = agenda.next_trial().trial_id
    assert agenda.fail(trial, retryable=True)
    assert agenda.fail(trial, retryable=True, out_of_memory=True)
    assert agenda.fail(trial, retryable=True)
    assert not agenda.fail(trial, retryable=True, out_of_memory=True)


def test_one_poison_configuration_of_many_folds_is_not_hopeless(toy_spec):
    folds = Replicates(folds=2 * MOST_FAILED_AT_FIRST, seeds=1, allocate="all")
    agenda = Agenda(toy_spec(budget=Budget(trials=40), replicates=folds), clock=lambda: 0.0)
    agenda.fail(agenda.next_trial().trial_id, retryable=False)
    assert agenda.count("failed") > MOST_FAILED_AT_FIRST and not agenda.is_hopeless


def test_nothing_but_failures_is_hopeless(toy_spec):
    agenda = Agenda(toy_spec(budget=Budget(trials=40)), clock=lambda: 0.0)
    for _ in range(MOST_FAILED_AT_FIRST):
        assert not agenda.is_hopeless
        agenda.fail(agenda.next_trial().trial_id, retryable=False)
    assert agenda.is_hopeless
    agenda.complete(agenda.next_trial().trial_id, (0.5, 1.0))
    assert not agenda.is_hopeless


def test_whoever_resumes_a_hopeless_study_has_as_much_hope_again(toy_spec):
    agenda = Agenda(toy_spec(budget=Budget(trials=40)), clock=lambda: 0.0)
    for _ in range(MOST_FAILED_AT_FIRST):
        agenda.fail(agenda.next_trial().trial_id, retryable=False)
    agenda.give_hope()
    for _ in range(MOST_FAILED_AT_FIRST):
        assert not agenda.is_hopeless
        agenda.fail(agenda.next_trial().trial_id, retryable=False)
    assert agenda.is_hopeless
