from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from joulefront.energy import PowerModel, Reading, Registration, Row, Window
from joulefront.energy.ledger import HostFacts, Sample
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
    allocate: str = "",
    constraints: Iterable[str] = (),
) -> dict[str, Any]:
    return {
        "name": "small",
        "trainable": "trainables.smmt:train",
        "space": space or {"clusters": {"int": [1, 32], "log": True}},
        "objectives": list(objectives),
        "replicates": {"folds": folds, "allocate": allocate or ("all" if folds > 1 else "none")},
        "constraints": list(constraints),
        "budget": {"trials": trials},
    }


@pytest.fixture
def make_study(tmp_path: Path) -> MakeStudy:
    """Write a study directory row by row.

    A trial is a mapping with `config`, and any of `fold`, `attempt`, `state`, `params` and
    metrics; its end is written at time 10, 20, ... and its energy as one `cpu` charge.
    `section` is the spec's section `energy`.
    """

    def make(
        rows: Iterable[Mapping[str, Any]],
        *,
        events: Iterable[Mapping[str, Any]] = (),
        energy: Iterable[Mapping[str, Any]] = (),
        ledger: Iterable[Row] = (),
        provenance: str = "modelled",
        country: tuple[str, float] | None = None,
        section: Mapping[str, Any] | None = None,
        **spec: Any,
    ) -> Study:
        path = tmp_path / "small"
        header: dict[str, Any] = {"name": "small", "spec": spec_of(**spec)}
        if country is not None:
            header["spec"]["energy"] = {"country": country[0]}
            header["grid_intensity_grams_per_kwh"] = country[1]
        if section is not None:
            header["spec"]["energy"] = dict(section)
            header["grid_intensity_grams_per_kwh"] = section.get("grams_per_kwh")
        store = StudyStore.create(path, header)
        with store.writer() as writer:
            for number, given in enumerate(rows, start=1):
                row, charge = _rows(given, 10.0 * number, provenance)
                writer.append("trials", [row])
                writer.append("energy", [charge])
            for charge in energy:
                writer.append("energy", [{"host": "h", "device": "host", **charge}])
            writer.append("ledger", [row.to_columns() for row in ledger])
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


MODEL = PowerModel(
    joules_per_cpu_second=2.0,
    idle_watts_per_core=0.5,
    ram_watts_per_gib=0.25,
    tdp_watts=20.0,
    source="made up",
)
MakeLedger = Callable[..., list[Row]]


@pytest.fixture(scope="session")
def make_ledger() -> MakeLedger:
    """Make the ledger of one host: two samples, and between them what was spent, in CPU-seconds.

    An attempt is (trial id, attempt, CPU-seconds, whether it closed); its window is its call.
    """

    def make(
        host: str = "h",
        attempts: Iterable[tuple[str, int, float, bool]] = (),
        *,
        seconds: float = 20.0,
        search: float = 0.0,
        platform: float = 0.0,
        other: float = 0.0,
        unexplained: float = 0.0,
        gpu_joules: float = 0.0,
    ) -> list[Row]:
        begun = [_opened(host, *attempt[:2]) for attempt in attempts]
        spent = sum(attempt[2] for attempt in attempts)
        facts = HostFacts(
            boot_id="b",
            scope="host",
            cores=4,
            node_class="Made Up 4000 (virtual)",
            memory_bytes=8 * 2**30,
            power_model=MODEL.to_dict(),
            gpus={"GPU-1": "Made Up GPU"} if gpu_joules else {},
        )
        gpus = {"GPU-1": 0} if gpu_joules else {}
        first = _sample(gpus, dict.fromkeys((r.key for r in begun), 0.0))
        last = _sample(
            {uuid: int(gpu_joules * 1000) for uuid in gpus},
            {r.key: a[2] for r, a in zip(begun, attempts, strict=True)},
            busy=spent + search + platform + other + unexplained,
            search=search,
            trials=spent,
            platform=platform,
            other=other,
        )
        end = int(seconds * 1e9)
        rows = [("host", 0, facts), ("sample", 0, first)]
        rows += [("open", 0, registration) for registration in begun]
        told = [
            Row(
                kind=k,
                host=host,
                meter=host,
                monotonic_ns=ns,
                details=d.to_dict(),
                trial_id=getattr(d, "trial_id", None),
                attempt=getattr(d, "attempt", None),
            )
            for k, ns, d in [*rows, ("sample", end, last)]
        ]
        closed = [_closed(host, *attempt[:3], end) for attempt in attempts if attempt[3]]
        return [*told, *closed]

    return make


def _reading(ns: int, cpu_seconds: float) -> Reading:
    cpu_ns = int(cpu_seconds * 1e9)
    return Reading(monotonic_ns=ns, cpu_ns=cpu_ns, gpu_millijoules={}, memory_bytes=2**30)


def _opened(host: str, trial_id: str, attempt: int) -> Registration:
    return Registration(
        study="small",
        trial_id=trial_id,
        attempt=attempt,
        rank=0,
        pid=1,
        started=1,
        cores=1,
        called=_reading(0, 0.0),
    )


def _closed(host: str, trial_id: str, attempt: int, cpu_seconds: float, ns: int) -> Row:
    call = Window(opened=_reading(0, 0.0), closed=_reading(ns, cpu_seconds), cores=1)
    return Row(
        kind="close",
        host=host,
        meter=host,
        monotonic_ns=ns,
        trial_id=trial_id,
        attempt=attempt,
        details={"rank": 0, "window": call.to_dict()},
    )


def _sample(gpus: Mapping[str, int], processes: Mapping[str, float], **seconds: float) -> Sample:
    counters = {name: int(seconds.get(name, 0.0) * 1e9) for name in _COUNTERS}
    return Sample(
        gpu_millijoules=gpus,
        processes={key: (int(cpu * 1e9), 0, None) for key, cpu in processes.items()},
        **{f"{name}_ns": value for name, value in counters.items()},
    )


_COUNTERS = ("busy", "search", "trials", "platform", "other")


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
