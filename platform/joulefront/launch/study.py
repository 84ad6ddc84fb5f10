"""Launch a study: make or resume its store, run its trials on Ray, and leave it readable."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulefront.energy import PowerModel
from joulefront.energy.rapl import Rapl
from joulefront.errors import StudyError
from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.cluster import check_address
from joulefront.launch.conductor import Conductor
from joulefront.launch.display import Display, Silent
from joulefront.launch.execution import execute
from joulefront.launch.header import study_header
from joulefront.launch.recorder import Recorder
from joulefront.launch.restoring import restore
from joulefront.spec import StudySpec, Trainable, import_trainable
from joulefront.store import StudyStore, is_remote
from joulefront.trial.messages import Event

DEFAULT_STORE = Path("results")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a launch ended.

    Attributes:
        path: The study directory.
        finished: Whether the study has reached its end; otherwise it can be resumed.
        reason: Which budget ended it, or that it was interrupted.
    """

    path: Path
    finished: bool
    reason: str


def launch_study(
    spec: StudySpec,
    *,
    store: str | Path | None = None,
    address: str | None = None,
    resume: bool = False,
    display: Display | None = None,
) -> Outcome:
    """Run a study to its end, or until it is interrupted.

    Args:
        spec: What the study is.
        store: Study directory; `results/<name>` under the current folder by default.
        address: Of a running Ray cluster; None starts one on this machine for the time being.
        resume: Go on with the study if it is there; start it if not.
        display: What shows the progress; nothing by default.

    Raises:
        StudyError: If the study is already there, or is another one than `spec`, or no cluster
            answers at `address`.
        TrainableError: If the trainable cannot be imported.
        DataError: If its data cannot be read.
        StoreWriteError: If the disk is full; what was written stays, and `resume` goes on.
    """
    display = display or Silent()
    path = study_path(spec, store)
    spec = dataclasses.replace(spec, trainable=_absolute(spec.trainable))
    if address is not None:
        check_address(address)
    known = resume and StudyStore.exists(path)
    study, baselines = _reopen(path, spec) if known else _create(path, spec, display)
    reason = _ended(study)
    if reason is not None:
        return Outcome(path=path, finished=True, reason=reason)
    model = PowerModel.from_dict(study.header["power_model"])
    display.note(f"energy: {model.source}")
    with study.writer() as writer:
        bill = StudyBill(store=study)
        recorder = Recorder(writer, bill, study.header["grid_intensity_grams_per_kwh"])
        agenda = Agenda(spec)
        elapsed = restore(agenda, recorder, study) if known else 0.0
        conductor = Conductor(
            agenda,
            recorder,
            store=study.path,
            header=study.header,
            elapsed_seconds=elapsed,
            searched_joules=bill.search_joules() if known else 0.0,
        )
        recorder.events(None, [Event(kind="study_started", details={"resumed": known})])
        if baselines is not None:
            recorder.events(None, [Event(kind="baselines", details={"rows": baselines})])
        recorder.sync()
        execute(conductor, address, display)
        outcome = _close(conductor, recorder, path)
    study.compact()
    return outcome


def study_path(spec: StudySpec, store: str | Path | None) -> Path:
    """Return the absolute path of the study's directory.

    Raises:
        StudyError: If `store` is an object-store URI.
    """
    if store is not None and is_remote(str(store)):
        raise StudyError(
            "--store must be a folder",
            given=str(store),
            remedy="object stores are not built yet; give a local path or a shared disk",
        )
    return Path(store or DEFAULT_STORE / spec.name).absolute()


def _absolute(reference: str) -> str:
    """Make the path of a trainable's file independent of the current folder."""
    file, _, name = reference.rpartition(":")
    return f"{Path(file).absolute()}:{name}" if file.endswith(".py") else reference


def _create(path: Path, spec: StudySpec, display: Display) -> tuple[StudyStore, list[Any] | None]:
    """Make the study's store, and return its baselines, if the trainable offers any.

    Whatever the data may refuse is found before anything is written.
    """
    StudyStore.refuse_existing(path)
    trainable = import_trainable(spec.trainable)
    if Rapl().ranges:
        display.note("energy: RAPL is calibrated, ten seconds idle and ten under load")
    header = study_header(spec, trainable)
    rows = _baselines(trainable, spec)
    return StudyStore.create(path, header), rows


def _baselines(trainable: Trainable, spec: StudySpec) -> list[Any] | None:
    baselines = getattr(trainable.module, "baselines", None)
    return None if baselines is None else list(baselines(spec.data))


def _reopen(path: Path, spec: StudySpec) -> tuple[StudyStore, list[Any] | None]:
    """Open a study to go on with, and return its baselines if it was killed before it had them."""
    study = StudyStore.open(path)
    before = StudySpec.from_dict(study.header["spec"])
    changed = [
        field.name
        for field in dataclasses.fields(spec)
        if getattr(before, field.name) != getattr(spec, field.name)
    ]
    if changed:
        raise StudyError(
            "a study must be resumed as it was begun",
            given=f"other values of {', '.join(changed)} than in {path}",
            remedy="take the same study file and --set values, or another --store",
        )
    if "baselines" in study.read("events").column("kind").to_pylist():
        return study, None
    return study, _baselines(import_trainable(spec.trainable), spec)


def _ended(study: StudyStore) -> str | None:
    """Return why the study has ended, None if it has not."""
    for row in reversed(study.read("events").to_pylist()):
        if row["kind"] == "study_finished":
            return str(json.loads(row["details"])["reason"])
    return None


def _close(conductor: Conductor, recorder: Recorder, path: Path) -> Outcome:
    finished = conductor.finished and not conductor.stopping
    reason = (conductor.agenda.end_reason or "") if finished else "interrupted"
    details = {"reason": reason, "elapsed_seconds": conductor.elapsed_seconds, "pid": os.getpid()}
    kind = "study_finished" if finished else "study_interrupted"
    recorder.events(None, [Event(kind=kind, details=details)])
    recorder.sync()
    return Outcome(path=path, finished=finished, reason=reason)
