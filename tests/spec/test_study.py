"""The frozen values: defaults, refusals from Python, and the way to JSON and back."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError
from typing import Any

import pytest

import joulefront.spec
from joulefront.errors import SpecError
from joulefront.spec import (
    Budget,
    Choice,
    Constraint,
    Energy,
    Float,
    Objective,
    PerTrial,
    Plateau,
    Replicates,
    Search,
    Stopping,
    StudySpec,
)


def make(**changed: Any) -> StudySpec:
    given: dict[str, Any] = {
        "name": "toy",
        "trainable": "toy:train",
        "space": {"x": Float(0.0, 1.0)},
        "objectives": (Objective("loss", "minimise"), Objective("accuracy", "maximise")),
        "budget": Budget(trials=3),
    }
    return StudySpec(**{**given, **changed})


def test_defaults() -> None:
    spec = make()
    assert (spec.search.sampler, spec.search.seed, spec.search.concurrent) == ("auto", 0, None)
    assert (spec.replicates.folds, spec.replicates.seeds, spec.replicates.allocate) == (
        1,
        1,
        "none",
    )
    assert (spec.stopping.rule, spec.stopping.min_epochs) == ("never", 1)
    assert (spec.search.warm_start, spec.search.enqueue, spec.constraints) == ((), (), ())
    assert (spec.budget.plateau, spec.budget.strict) == (None, False)
    assert (spec.per_trial.workers, spec.per_trial.cpus, spec.per_trial.gpus) == (0, 1, 0)
    assert spec.per_trial.max_failures == 1
    assert spec.energy.country is None and spec.data == {} and spec.fixed == {}


def test_round_trips_through_json_and_pickle() -> None:
    spec = make(
        space={"x": Float(0.0, 1.0, step=0.5), "y": Choice(("a", None, 2, True))},
        data={"root": "/nowhere", "planes": ("axial",), "deep": {"a": [1, None]}},
        fixed={"epochs": 3},
        search=Search(sampler="grid", concurrent=2),
        energy=Energy(country="TWN"),
    )
    assert StudySpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert spec.data["planes"] == ["axial"]


def test_what_was_written_before_the_later_keys_is_still_read() -> None:
    written = {
        "name": "toy",
        "trainable": "toy:train",
        "space": {"x": {"float": [0.0, 1.0]}},
        "objectives": [
            {"metric": "loss", "direction": "minimise"},
            {"metric": "accuracy", "direction": "maximise"},
        ],
        "budget": {"trials": 3},
        "data": {},
        "fixed": {},
        "search": {"sampler": "auto", "seed": 0},
        "replicates": {"folds": 1, "seeds": 1, "allocate": "none"},
        "stopping": {"rule": "never"},
        "per_trial": {"workers": 0, "cpus": 1, "gpus": 0.0, "max_failures": 1},
        "energy": {
            "quality": "warn",
            "allow_shared_gpu": False,
            "normalise": "none",
            "power": {},
        },
    }
    assert StudySpec.from_dict(written) == make()


def test_the_search_and_its_ends_round_trip() -> None:
    spec = make(
        space={"x": Float(0, 1, when={"y": ("a", 2)}), "y": Choice(("a", None, 2))},
        search=Search(sampler="nsga2", enqueue=({"y": "a", "x": 1},), warm_start=("a", "b")),
        replicates=Replicates(folds=5, allocate="front"),
        stopping=Stopping(rule="dominated", min_epochs=3),
        budget=Budget(plateau=Plateau(gain=0.005, trials=10), hours=1, strict=True),
        constraints=[Constraint("recall", ">=", 0.5)],
    )
    assert StudySpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert spec.search.enqueue == ({"y": "a", "x": 1.0},)
    assert spec.replicates.racing_share == 0.45
    assert spec.space["x"].when == {"y": ("a", 2)}


def test_is_frozen_and_copies() -> None:
    data = {"a": {"b": 1}}
    spec = make(data=data)
    data["a"]["b"] = 2
    assert spec.data == {"a": {"b": 1}}
    spec.to_dict()["data"]["a"]["b"] = 3
    assert spec.data == {"a": {"b": 1}}
    with pytest.raises(FrozenInstanceError):
        spec.name = "other"  # type: ignore[misc]


def test_sign_minimises() -> None:
    assert [objective.sign for objective in make().objectives] == [
        1.0,
        -1.0,
    ]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"name": ".."}, "StudySpec: name: must be a folder's name"),
        ({"name": "a."}, "must be a folder's name"),
        ({"name": "a" * 101}, "must be a folder's name"),
        ({"trainable": "a b:c"}, "StudySpec: trainable: "),
        ({"space": {}}, "at least one parameter"),
        ({"space": {"a.b": Float(0, 1)}}, "name of a Config field"),
        ({"space": {"class": Float(0, 1)}}, "name of a Config field"),
        ({"space": {"x": 3}}, "Float, Int or Choice"),
        ({"fixed": {"x": 1}}, "not in both"),
        ({"objectives": ()}, "at least one objective"),
        ({"search": Search(enqueue=({"z": 1},))}, r"StudySpec: search\.enqueue\.0\.z: must be a"),
        ({"search": Search(enqueue=({"x": 1.5},))}, "must lie in the space's x; given: 1.5"),
        ({"budget": Budget(emissions_grams=3)}, "must come with energy.country"),
        ({"data": {"a": object()}}, "StudySpec: data: "),
        ({"data": {"a": [float("nan")]}}, "StudySpec: data: .*finite"),
    ],
)
def test_refused_from_python(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make(**changed)


@pytest.mark.parametrize(
    ("make_section", "words"),
    [
        (lambda: Plateau(gain=0.0, trials=3), "Plateau: gain: must be above 0"),
        (lambda: Plateau(gain=0.1), "exactly one of trials, watt_hours; given: none of them"),
        (lambda: Plateau(gain=0.1, trials=3, watt_hours=1), "watt_hours; given: both"),
        (lambda: Budget(), "at least one of trials, hours, energy_wh, emissions_grams, plateau"),
        (lambda: Budget(trials=3, strict=True), "Budget: strict: must come with hours"),
        (lambda: Search(enqueue=(3,)), r"Search: enqueue\.0: must be a mapping"),  # type: ignore[arg-type]
        (lambda: Search(enqueue=({"x": float("nan")},)), "Search: enqueue: must hold"),
        (lambda: Search(warm_start=(" ",)), "must be a study's directory"),
        (lambda: Replicates(folds=2, allocate="all", share=0.2), "absent unless allocate is front"),
        (lambda: Replicates(allocate="front"), "Replicates: folds: must leave a second evaluation"),
        (lambda: Stopping(reduction=1), "Stopping: reduction: must be at least 2"),
    ],
)
def test_section_refused_from_python(make_section: Callable[[], object], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make_section()


def test_metric_names() -> None:
    assert Objective("val/loss", "minimise").metric == "val/loss"
    for metric in ("", "a b"):
        with pytest.raises(SpecError, match="without spaces"):
            Objective(metric, "minimise")


def test_what_the_platform_charges_is_energy() -> None:
    grams = Objective("emissions_grams", "minimise")
    for energy in (Energy(country="TWN"), Energy(grams_per_kwh=502.0)):
        assert make(objectives=(grams,), energy=energy).about_energy
    assert not make(objectives=(Objective("energy_of_the_signal", "minimise"),)).about_energy


def test_a_share_of_a_gpu_is_allowed_where_it_is_charged_knowingly() -> None:
    half = PerTrial(gpus=0.5)
    assert not make(objectives=(Objective("loss", "minimise"),), per_trial=half).about_energy
    energy = (Objective("energy_joules", "minimise"),)
    with pytest.raises(SpecError, match=r"per_trial\.gpus: must be whole GPUs where energy"):
        make(objectives=energy, per_trial=half)
    make(objectives=energy, per_trial=half, energy=Energy(allow_shared_gpu=True))


def test_from_dict_names_its_source() -> None:
    written = make().to_dict()
    written["budget"] = {"trials": 0}
    with pytest.raises(SpecError, match=r"^study\.json: budget\.trials: must be at least 1"):
        StudySpec.from_dict(written, source="study.json")


def test_public_names_are_sorted_and_there() -> None:
    names = joulefront.spec.__all__
    assert all(hasattr(joulefront.spec, name) for name in names)
    assert sorted(names, key=lambda n: (not n.isupper(), not n[0].isupper(), n)) == names
