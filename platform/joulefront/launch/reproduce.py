"""Run one trial of a study again, from scratch, and set both sets of figures side by side.

It runs as it ran in the study, with the same reservation, on a Ray of this machine wherever the
study ran, in a store of its own that is thrown away: the study is only read. Energy and time are
measured anew; all other metrics agree bit for bit on the same processor with the same code, data
and packages.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulefront.errors import StudyError
from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.conductor import Conductor
from joulefront.launch.display import Display, Silent
from joulefront.launch.execution import execute
from joulefront.launch.identity import check_outside, differences, environment_changes, identify
from joulefront.launch.past import Past, Row
from joulefront.launch.recorder import Recorder
from joulefront.launch.stored_spec import read_spec
from joulefront.spec import (
    Budget,
    Replicates,
    Search,
    Stopping,
    StudySpec,
    import_trainable,
)
from joulefront.spec.nearest import remedy
from joulefront.store import PARAMETER_PREFIX, SCHEMAS, StudyStore, fold_trials

_MEASURED = ("_joules", "_seconds", "_watts", "_grams", "_bytes", "_per_second")
_PLATFORM = (
    "state",
    "failure",
    "energy_cpu_joules",
    "energy_gpu_joules",
    "energy_joules",
    "inference_energy_joules_per_sample",
    "duration_seconds",
)
_FIXED = {"epoch", "checkpoint", *SCHEMAS["trials"].names}


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """One figure of a trial, as stored and as it came out again; None where there is none.

    Attributes:
        measured: It is a time, an energy or a size, which no two runs share.
    """

    name: str
    before: Any
    again: Any
    measured: bool

    @property
    def agrees(self) -> bool:
        """Whether both are the same to the last bit; NaN agrees with NaN."""
        numbers = isinstance(self.before, float) and isinstance(self.again, float)
        if numbers and math.isnan(self.before) and math.isnan(self.again):
            return True
        return bool(self.before == self.again)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reproduction:
    """What came of a trial that was run again.

    Attributes:
        figures: Metrics first, then what the platform measured.
        notes: What may be why they differ, a sentence each.
    """

    trial_id: str
    figures: tuple[Figure, ...]
    notes: tuple[str, ...]

    @property
    def differing(self) -> list[str]:
        """Names of the figures that ought to agree and do not."""
        return [f.name for f in self.figures if not f.measured and not f.agrees]


def reproduce_trial(
    path: str | Path, trial_id: str, *, display: Display | None = None
) -> Reproduction:
    """Run a trial of a study again.

    A trial that a rule ended early is compared at the epoch at which it ended.

    Args:
        path: Study directory.
        trial_id: Of a trial that has ended.
        display: What shows beforehand why figures may differ; nothing by default.

    Raises:
        StudyError: If there is no such trial, or it has not ended, or the code is the study's own.
        TrainableError: If the trainable cannot be imported.
        DataError: If its data cannot be read.
    """
    display = display or Silent()
    study = StudyStore.open(path)
    spec = read_spec(study.header)
    check_outside(study.uri, spec)
    row = _ended_trial(study, trial_id)
    past = Past(study, spec)
    start = next(r for r in past.starts if _key(r) == _key(row))
    notes = _notes(study, spec, start)
    for text in notes:
        display.note(text)
    with tempfile.TemporaryDirectory(prefix="joulefront-") as folder:
        again = _run(study, spec, row, past.parameters(start), Path(folder) / "study")
        rows = fold_trials(again.read("trials")).to_pylist()
        if not rows or rows[0]["state"] == "stopped":
            raise KeyboardInterrupt
        ended = rows[0]
        if row["state"] == "pruned":
            row = _last_report(study, row, math.inf)
            ended = _last_report(again, ended, row["epoch"])
    return Reproduction(trial_id=trial_id, figures=_figures(row, ended), notes=tuple(notes))


def _ended_trial(study: StudyStore, trial_id: str) -> Row:
    rows = {row["trial_id"]: row for row in fold_trials(study.read("trials")).to_pylist()}
    if trial_id not in rows:
        must, near = f"{study.uri} must hold the trial", remedy(trial_id, rows)
        raise StudyError(must, given=trial_id, remedy=near)
    row: Row = rows[trial_id]
    if row["state"] not in ("complete", "pruned", "failed"):
        raise StudyError(
            "a trial must have ended to be run again",
            given=f"{trial_id}, whose state is {row['state']}",
            remedy="let the study go on with --resume",
        )
    return row


def _notes(study: StudyStore, spec: StudySpec, start: Row) -> list[str]:
    """Say what may be why the figures will differ."""
    now = identify(spec, import_trainable(spec.trainable))
    notes = [*differences(study.header, now), *environment_changes(study.header, now)]
    if start["resumed_epoch"] is not None:
        notes.append(f"in the study it went on from a checkpoint of epoch {start['resumed_epoch']}")
    return notes


def _run(
    study: StudyStore,
    spec: StudySpec,
    row: Row,
    parameters: Mapping[str, Any],
    path: Path,
) -> StudyStore:
    """Run one trial in a study of its own."""
    once = dataclasses.replace(
        spec,
        search=Search(seed=row["seed"], concurrent=1),
        replicates=Replicates(),
        stopping=Stopping(),
        budget=Budget(trials=1),
        per_trial=dataclasses.replace(spec.per_trial, max_failures=0),
        energy=dataclasses.replace(spec.energy, quality="warn"),
    )
    store = StudyStore.create(path, dict(study.header) | {"spec": once.to_dict()})
    agenda = Agenda(once)
    (trial,) = agenda.add(parameters, {}).trials
    trial.fold = row["fold"]
    with store.writer() as writer:
        bill = StudyBill(store=store)
        recorder = Recorder(writer, bill, store.header["grid_intensity_grams_per_kwh"])
        conductor = Conductor(agenda, recorder, store=path, header=store.header)
        execute(conductor, None, Silent(), lambda: None)
    return store


def _last_report(study: StudyStore, row: Row, epoch: float) -> Row:
    """Return what an attempt reported last, up to an epoch."""
    reports = [r for r in study.read("reports").to_pylist() if _key(r) == _key(row)]
    return max((r for r in reports if r["epoch"] <= epoch), key=lambda r: int(r["epoch"]))


def _figures(before: Row, again: Row) -> tuple[Figure, ...]:
    told = (*(name for name in before.keys() | again.keys() if _is_metric(name)), *_PLATFORM)
    names = [name for name in told if not (before.get(name) is again.get(name) is None)]
    figures = [
        Figure(
            name=name,
            before=before.get(name),
            again=again.get(name),
            measured=name.endswith(_MEASURED) or name in _PLATFORM[2:],
        )
        for name in names
    ]
    return tuple(sorted(figures, key=lambda figure: (figure.measured, figure.name)))


def _is_metric(name: str) -> bool:
    return name not in _FIXED and not name.startswith(PARAMETER_PREFIX)


def _key(row: Row) -> tuple[str, int]:
    return row["trial_id"], row["attempt"]
