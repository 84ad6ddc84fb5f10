from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from joulefront.results import Study
from joulefront.store import StudyStore

QUALITY_AND_ENERGY = [
    {"metric": "balanced_accuracy", "direction": "maximise"},
    {"metric": "energy_joules", "direction": "minimise"},
]
MakeStudy = Callable[..., Study]


def spec_of(
    *,
    space: Mapping[str, Any] | None = None,
    objectives: Iterable[Mapping[str, str]] = QUALITY_AND_ENERGY,
    folds: int = 1,
    trials: int = 40,
) -> dict[str, Any]:
    return {
        "name": "small",
        "trainable": "trainables.smmt:train",
        "space": space or {"clusters": {"int": [1, 32], "log": True}},
        "objectives": list(objectives),
        "replicates": {"folds": folds, "allocate": "all" if folds > 1 else "none"},
        "budget": {"trials": trials},
    }


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Write a study directory row by row.

    A trial is a mapping with `config`, and any of `fold`, `attempt`, `state`, `params` and
    metrics; its end is written at time 10, 20, ... and its energy as one `cpu` charge.
    """

    def make(
        rows: Iterable[Mapping[str, Any]],
        *,
        events: Iterable[Mapping[str, Any]] = (),
        energy: Iterable[Mapping[str, Any]] = (),
        provenance: str = "modelled",
        country: tuple[str, float] | None = None,
        **spec: Any,
    ) -> Study:
        path = tmp_path / "small"
        header: dict[str, Any] = {"name": "small", "spec": spec_of(**spec)}
        if country is not None:
            header["spec"]["energy"] = {"country": country[0]}
            header["grid_intensity_grams_per_kwh"] = country[1]
        store = StudyStore.create(path, header)
        with store.writer() as writer:
            for number, given in enumerate(rows, start=1):
                row, charge = _rows(given, 10.0 * number, provenance)
                writer.append("trials", [row])
                writer.append("energy", [charge])
            for charge in energy:
                writer.append("energy", [{"host": "h", "device": "host", **charge}])
            for event in events:
                details = json.dumps(event["details"])
                writer.append("events", [{"attempt": 1, **event, "details": details}])
        return Study.open(path)

    return make


def _rows(
    given: Mapping[str, Any], time: float, provenance: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    values = dict(given)
    config, fold = values.pop("config"), values.pop("fold", 0)
    attempt, state = values.pop("attempt", 1), values.pop("state", "complete")
    parameters = {f"params.{name}": value for name, value in values.pop("params", {}).items()}
    common = {"time": time, "trial_id": f"{config}-f{fold}-s0", "attempt": attempt}
    row = {
        "kind": "start" if state == "running" else "end",
        "config_id": config,
        "fold": fold,
        "seed": 0,
        "role": "search",
        "state": state,
        "host": "h",
        **parameters,
        **values,
    }
    charge = {
        "host": "h",
        "device": "host",
        "component": "cpu",
        "joules": values.get("energy_joules") or 0.0,
        "provenance": values.pop("provenance", provenance),
    }
    row.pop("provenance", None)
    return common | row, common | charge


@pytest.fixture
def sweep(make_study: MakeStudy) -> Study:
    """Six configurations of one replicate: c1 and c2 are the front, c3 is dominated."""
    return make_study(
        [
            _trial("c1", 0.90, 720.0, clusters=8),
            _trial("c2", 0.70, 360.0, clusters=2),
            _trial("c3", 0.65, 500.0, clusters=16),
            _trial("c4", 0.99, 100.0, clusters=1, state="pruned"),
            _trial("c5", None, 50.0, clusters=32, state="failed", failure="NaN loss"),
            _trial("c6", float("nan"), 10.0, clusters=4),
        ],
        events=[
            {"kind": "study_started", "time": 1.0, "details": {}},
            {"kind": "study_finished", "time": 99.0, "details": {"reason": "budget.trials: 6"}},
        ],
        trials=6,
    )


def _trial(config: str, accuracy: float | None, joules: float, **others: Any) -> dict[str, Any]:
    clusters = others.pop("clusters")
    return {
        "config": config,
        "params": {"clusters": clusters},
        "balanced_accuracy": accuracy,
        "energy_joules": joules,
        **others,
    }
