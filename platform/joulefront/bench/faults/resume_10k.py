"""How long a study of 10,000 trials takes to be taken up again, and how much memory.

The study is written row by row as a driver and a meter write it, its disk's `fsync` left out. Four
of its trials have not ended. A process of its own (`resuming_process.py`) then opens it, rebuilds
plan and curves, charges the four from the ledger and makes the next new proposal; Ray is not
started. The clock is the harness's and covers that process from its birth to its word. Once only
segments are there, once a Parquet generation covers them; the worse of both counts, and a resume
that lost a trial, or began another than those four, takes forever.
"""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

from joulefront.bench.figures import Figure, Rows
from joulefront.energy import PowerModel, Reading, Registration, Row, Window
from joulefront.energy.ledger import HostFacts, Sample
from joulefront.spec import Budget, Float, Int, Objective, Search, StudySpec
from joulefront.store import StoreWriter, StudyStore

_TRIALS = 10_000
_RUNNING = 4
_EPOCHS = 3
_SECONDS = 0.5  # from one trial to the next
_MODEL = PowerModel(
    joules_per_cpu_second=10.0,
    idle_watts_per_core=1.0,
    ram_watts_per_gib=0.4,
    tdp_watts=40.0,
    source="made up",
)


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Resume a study of 10,000 trials before and after its compaction (twice each with `full`).

    Returns:
        A row a resume: "seconds", "mebibytes" at most, "compacted", and whether it was "right".
    """
    return resumed(_TRIALS, rounds=2 if full else 1)


def resumed(trials: int, rounds: int = 1) -> list[dict[str, Any]]:
    """Write a study of so many trials and resume it."""
    with tempfile.TemporaryDirectory(prefix="joulefront-") as folder:
        store = write_study(Path(folder) / "study", trials)
        rows = [_resume(store, trials, compacted=False, variant="ten_times")]
        for compacted in (False, True):
            if compacted:
                store.compact()
            rows += [_resume(store, trials, compacted=compacted) for _ in range(rounds)]
        return rows


def _resume(
    store: StudyStore, trials: int, *, compacted: bool, variant: str = "joulefront"
) -> dict[str, Any]:
    """Let a process resume the study; what it has written is taken away again."""
    before = set((store.path / "segments").rglob("*"))
    module = "joulefront.bench.faults.resuming_process"
    began = time.monotonic()
    command = [sys.executable, "-m", module, str(store.path), variant]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    seconds = time.monotonic() - began
    for path in set((store.path / "segments").rglob("*")) - before:
        path.unlink()
    again = [_trial_id(number) for number in range(trials - _RUNNING, trials)]
    right = said["complete"] == trials - _RUNNING
    right = right and said["handed_out"] == [*again, _trial_id(trials)]
    return {
        "what": "resume_10k",
        "variant": variant,
        "trials": trials,
        "compacted": compacted,
        "seconds": seconds,
        "mebibytes": said["mebibytes"],
        "right": right,
    }


def study_spec(trials: int) -> StudySpec:
    """Return a study that would propose one configuration more."""
    return StudySpec(
        name="large",
        trainable="joulefront.bench.no_op:train",
        space={"x": Float(0.0, 1.0), "reports": Int(1, 100)},
        objectives=(Objective("accuracy", "maximise"), Objective("energy_joules", "minimise")),
        search=Search(sampler="tpe", seed=0, concurrent=_RUNNING),
        budget=Budget(trials=trials + 1),
    )


def write_study(path: Path, trials: int) -> StudyStore:
    """Write what a driver and a meter would have written of so many trials."""
    header = {"name": "large", "schema_version": 1, "spec": study_spec(trials).to_dict()}
    header |= {"power_model": _MODEL.to_dict(), "grid_intensity_grams_per_kwh": None}
    store = StudyStore.create(path, header)
    with patch("os.fsync"), store.writer() as driver, store.writer() as meter:
        driver.append("events", [{"time": 1e9, "kind": "study_started", "details": "{}"}])
        facts = HostFacts(
            boot_id="b",
            scope="host",
            cores=4,
            node_class="a machine",
            memory_bytes=2**32,
            power_model=_MODEL.to_dict(),
        )
        _ledger(meter, 1e9, "host", facts.to_dict())
        for number in range(trials):
            _write_trial(driver, meter, number, ended=number < trials - _RUNNING)
    return store


def _write_trial(driver: StoreWriter, meter: StoreWriter, number: int, *, ended: bool) -> None:
    begin = 1e9 + 1.0 + number * _SECONDS
    who = {"trial_id": _trial_id(number), "attempt": 1}
    parameters = {"x": (number * 0.618034) % 1.0, "reports": 1 + number % 100}
    row: dict[str, Any] = {**who, "config_id": f"c{number:04d}", "fold": 0, "seed": 0}
    row |= {"role": "search", "proposal_index": number}
    row |= {f"params.{name}": value for name, value in parameters.items()}
    start = {"kind": "start", "state": "running", "params_json": json.dumps(parameters)}
    driver.append("trials", [row | start | {"time": begin, "sampler_attributes": "{}"}])
    _meter_trial(meter, number, begin, ended)
    for epoch in range(1, _EPOCHS + 1):
        spent = {"energy_joules": 1.0 * epoch, "energy_cpu_joules": 1.0 * epoch}
        report = {"time": begin + 0.1 * epoch, "epoch": epoch, "accuracy": parameters["x"]}
        driver.append("reports", [who | report | spent])
    if not ended:
        return
    joules = 3.0 + number % 7
    components = {"cpu": joules, "ram": 0.5, "idle": 0.2, "setup": 0.1, "inference": 0.1}
    charges = [
        {**who, "time": begin, "host": "h", "device": "cpu", "component": name, "joules": value}
        for name, value in components.items()
    ]
    driver.append("energy", [{**charge, "provenance": "modelled"} for charge in charges])
    end = {"kind": "end", "state": "complete", "quality": "good", "energy_joules": joules}
    driver.append("trials", [row | end | {"time": begin + 0.4, "accuracy": parameters["x"]}])


def _meter_trial(meter: StoreWriter, number: int, begin: float, ended: bool) -> None:
    """Write the rows of one attempt's windows, and a sample."""
    opened, closed = _reading(begin, 0.0), _reading(begin + 0.4, 0.3)
    who: dict[str, Any] = {"trial_id": _trial_id(number), "attempt": 1}
    registration = Registration(
        study="s",
        trial_id=_trial_id(number),
        attempt=1,
        rank=0,
        pid=1,
        started=1,
        cores=1,
        called=opened,
    )
    window = Window(opened=opened, closed=closed, cores=1).to_dict()
    common = {"rank": 0, "purpose": "training"}
    _ledger(meter, begin, "open", registration.to_dict(), **who)
    _ledger(meter, begin, "window_open", common | {"opened": dataclasses.asdict(opened)}, **who)
    if ended:
        _ledger(meter, begin + 0.4, "window", common | {"window": window}, **who)
        _ledger(meter, begin + 0.4, "close", {"rank": 0, "window": window}, **who)
    sample = Sample(
        busy_ns=number * 10**8,
        search_ns=number * 10**6,
        trials_ns=0,
        platform_ns=0,
        other_ns=0,
        processes={registration.key: (3 * 10**8, 0, None)},
    )
    _ledger(meter, begin + 0.3, "sample", sample.to_dict())


def _ledger(
    meter: StoreWriter, time_: float, kind: str, details: Mapping[str, Any], **who: Any
) -> None:
    moment = round((time_ - 1e9) * 1e9)
    row = Row(kind=kind, host="h", meter="m", monotonic_ns=moment, details=details, **who)
    meter.append("ledger", [row.to_columns() | {"time": time_}])


def _reading(time_: float, cpu_seconds: float) -> Reading:
    return Reading(
        monotonic_ns=round((time_ - 1e9) * 1e9),
        cpu_ns=round(cpu_seconds * 1e9),
        gpu_millijoules={},
        memory_bytes=2**28,
    )


def _trial_id(number: int) -> str:
    return f"c{number:04d}-f0-s0"


def _seconds(rows: Rows, variant: str) -> float:
    """Return the longest; infinity for a resume that was wrong."""
    chosen = [row for row in rows if (row["what"], row.get("variant")) == ("resume_10k", variant)]
    return max((row["seconds"] if row["right"] else math.inf for row in chosen), default=math.nan)


FIGURES: tuple[Figure[str], ...] = (
    Figure(
        "resume_seconds_10k",
        "seconds to resume 10,000 trials",
        (0, 10),
        _seconds,
        "joulefront",
        "reads every table ten times",
        "ten_times",
    ),
)
