"""What a study takes from others is read once and then kept in its own store."""

from __future__ import annotations

import math

import pytest

from joulefront.errors import StudyError
from joulefront.launch.warm_start import read_warm_start, stored_observations, warm_start_event
from joulefront.launch.warm_start import warm_start_notes as notes
from joulefront.spec import Budget, Constraint, Int, Objective, Replicates, Search
from joulefront.store import StudyStore
from joulefront.trial.messages import ChargeRow, Closing

OBJECTIVES = (Objective("accuracy", "maximise"), Objective("energy_joules", "minimise"))


@pytest.fixture
def earlier(tmp_path, driver, toy_spec):
    """A study of two configurations on two folds, of which the last trial never ran."""
    replicates = Replicates(folds=2, allocate="all")
    spec = toy_spec(objectives=OBJECTIVES, replicates=replicates, budget=Budget(trials=2))
    study = StudyStore.create(tmp_path / "earlier", {"name": "toy", "spec": spec.to_dict()})
    with driver(study, spec) as conductor:
        for accuracy in (0.6, 0.8, 0.7):
            name = conductor.next_assignment().trial_id
            charge = ChargeRow(
                host="h", device="cpu", component="cpu", joules=10.0, provenance="modelled"
            )
            metrics = {"accuracy": accuracy}
            conductor.receive(name, Closing(state="complete", metrics=metrics, charges=(charge,)))
            conductor.ended(name, None)
    return str(study.path)


def test_what_was_fully_measured_is_taken_and_outlives_its_study(earlier, study, driver, toy_spec):
    search = Search(sampler="random", concurrent=1, warm_start=(earlier,))
    constraints = (Constraint.parse("sensitivity >= 0.5"),)
    spec = toy_spec(objectives=OBJECTIVES, search=search, constraints=constraints)
    warm = read_warm_start(spec)
    (observation,) = warm.observations
    assert observation.index == -1 and observation.values == pytest.approx((-0.7, 10.0))
    assert observation.constraints == (math.inf,), "what nobody measured is not known to hold"
    assert dict(warm.taken) == {earlier: 1}
    assert list(notes(warm)) == [f"warm start from {earlier}: 1 configurations taken"]
    with driver(study, spec) as conductor:
        conductor._recorder.events(None, [warm_start_event(warm)])
    assert stored_observations(study)[0].values == observation.values
    assert stored_observations(study)[0].constraints == (math.inf,)


def test_what_lies_outside_is_refused_by_its_reason(earlier, toy_spec):
    space = dict(toy_spec().space) | {"width": Int(600, 700)}
    search = Search(warm_start=(earlier,))
    warm = read_warm_start(toy_spec(objectives=OBJECTIVES, space=space, search=search))
    assert not warm.observations
    assert dict(warm.refused[earlier]) == {"width lies outside the space here": 1}


def test_a_folder_that_is_no_study_is_refused(tmp_path, toy_spec):
    with pytest.raises(StudyError, match="must be a study directory"):
        read_warm_start(toy_spec(search=Search(warm_start=(str(tmp_path),))))


def test_a_study_that_took_nothing_has_nothing(study):
    assert stored_observations(study) == ()


def test_a_study_of_other_data_gives_nothing_and_says_so(earlier, toy_spec):
    search = Search(warm_start=(earlier,))
    warm = read_warm_start(toy_spec(objectives=OBJECTIVES, search=search, data={"name": "other"}))
    (line,) = notes(warm)
    assert line.endswith(": 0 configurations taken; 1 not: they are of other data")
