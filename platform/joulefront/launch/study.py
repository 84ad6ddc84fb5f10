"""Launch a study: make or resume its store, run its trials on Ray, and leave it readable."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulefront.energy import PowerModel
from joulefront.energy.rapl import Rapl
from joulefront.errors import StudyError
from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.conductor import Conductor
from joulefront.launch.display import Display, Silent
from joulefront.launch.driving import heeding, leased
from joulefront.launch.execution import execute
from joulefront.launch.header import study_header
from joulefront.launch.identity import check_outside, identify, identity_events
from joulefront.launch.reach import check_address, check_listen
from joulefront.launch.recorder import Recorder
from joulefront.launch.restoring import restore
from joulefront.launch.row_times import row_clock
from joulefront.launch.upkeep import Upkeep
from joulefront.launch.warm_start import (
    read_warm_start,
    stored_observations,
    warm_start_event,
    warm_start_notes,
)
from joulefront.spec import StudySpec, Trainable, import_trainable
from joulefront.store import Lease, PatientWriter, StudyStore, is_remote, place_of
from joulefront.trial.messages import Event

DEFAULT_STORE = Path("results")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """How a launch ended.

    Attributes:
        path: Absolute path of the study directory, or its URI.
        finished: Whether the study has reached its end; otherwise it can be resumed.
        reason: Which budget ended it, or that it was interrupted.
    """

    path: str
    finished: bool
    reason: str


def launch_study(
    spec: StudySpec,
    *,
    store: str | Path | None = None,
    address: str | None = None,
    listen: str | None = None,
    resume: bool = False,
    accept_changes: bool = False,
    display: Display | None = None,
) -> Outcome:
    """Run a study to its end, or until it is interrupted.

    Args:
        spec: What the study is.
        store: Study directory or URI; `results/<name>` under the current folder by default.
        address: Of a running Ray cluster; None starts one on this machine for the time being.
        listen: IP address of this host at which others can join that Ray, with a token that all
            of them have; None keeps it on loopback.
        resume: Go on with the study if it is there; start it if not. Its budget may be another
            than before, so that a finished study can be extended.
        accept_changes: Go on though the trainable's code or the data have changed; recorded.
        display: What shows the progress; nothing by default.

    Raises:
        StudyError: If the study is already there, or is another one than `spec`, or another
            process drives it, or no cluster answers at `address`;
            or its code or data have changed, and that is not accepted.
        LeaseLost: If another driver has taken the study over meanwhile.
        TrainableError: If the trainable cannot be imported.
        DataError: If its data cannot be read.
        StoreWriteError: If the disk is full; what was written stays, and `resume` goes on.
    """
    display = display or Silent()
    path = study_path(spec, store)
    spec = _absolute(spec)
    if address is not None:
        check_address(address)
    if listen is not None:
        check_listen(listen)
    known = resume and StudyStore.exists(path)
    created = None if known else _create(path, spec, display)
    with leased(place_of(path), display) as lease:
        opened = created or _reopen(path, spec, accept_changes)
        return _drive(opened, spec, lease, display, address, listen)


def _drive(
    opened: _Opened,
    spec: StudySpec,
    lease: Lease,
    display: Display,
    address: str | None,
    listen: str | None,
) -> Outcome:
    """Run a study whose lease is held."""
    study = opened.store
    reason = _ended(study, spec)
    if reason is not None:
        return Outcome(path=study.uri, finished=True, reason=reason)
    model = PowerModel.from_dict(study.header["power_model"])
    display.note(f"energy: {model.source}")
    with study.writer(lease.check) as writer:
        bill = StudyBill(store=study)
        patient = PatientWriter(writer, tell=display.note)
        intensity = study.header["grid_intensity_grams_per_kwh"]
        recorder = Recorder(patient, bill, intensity, row_clock(study))
        recorder.events(None, [*_started(lease, opened.resumed), *opened.events])
        recorder.sync()
        if opened.header != study.header:  # what changed has been recorded
            study = study.with_header(opened.header)
        agenda = Agenda(
            spec,
            prior=stored_observations(study),
            joules_per_cpu_second=model.joules_per_cpu_second,
        )
        conductor = _conductor(agenda, recorder, study)
        patient.given_up = lambda: conductor.stopping
        for sentence in study.damage():
            display.note(f"damage: {sentence}")

        with Upkeep(study, agenda, recorder) as upkeep, heeding(lease, conductor.stop):

            def step() -> None:
                lease.check()
                upkeep()

            execute(conductor, address, display, step, listen=listen)
        outcome = _close(conductor, recorder, study.uri)
        lease.check()
        study.compact()
    return outcome


def study_path(spec: StudySpec, store: str | Path | None) -> str:
    """Return the absolute path of the study's directory, or its URI.

    Raises:
        StudyError: If `store` is a URI of another kind than object stores have.
    """
    return place_of(store or DEFAULT_STORE / spec.name).uri


def _absolute(spec: StudySpec) -> StudySpec:
    """Make what the study refers to independent of the current folder.

    A submitted job's folder is copied to every host and lies elsewhere each time: a trainable in
    it stays relative.
    """
    file, _, name = spec.trainable.rpartition(":")
    if file.endswith(".py") and "RAY_JOB_CONFIG_JSON_ENV_VAR" not in os.environ:
        spec = dataclasses.replace(spec, trainable=f"{Path(file).absolute()}:{name}")
    others = tuple(
        other if is_remote(other) else str(Path(other).absolute())
        for other in spec.search.warm_start
    )
    return dataclasses.replace(spec, search=dataclasses.replace(spec.search, warm_start=others))


@dataclass(frozen=True, kw_only=True, slots=True)
class _Opened:
    """A study's store, the events to be written before anything else, and then its header."""

    store: StudyStore
    events: list[Event]
    header: Mapping[str, Any]
    resumed: bool


def _create(path: str, spec: StudySpec, display: Display) -> _Opened:
    """Make the study's store.

    Whatever the data or earlier studies may refuse is found before anything is written.
    """
    StudyStore.refuse_existing(path)
    trainable = import_trainable(spec.trainable)
    if Rapl().ranges:
        display.note("energy: RAPL is calibrated, ten seconds idle and ten under load")
    header = study_header(spec, trainable)
    events = _baselines(trainable, spec)
    if spec.search.warm_start:
        warm = read_warm_start(spec)
        for text in warm_start_notes(warm):
            display.note(text)
        events.append(warm_start_event(warm))
    store = StudyStore.create(path, header)
    return _Opened(store=store, events=events, header=store.header, resumed=False)


def _baselines(trainable: Trainable, spec: StudySpec) -> list[Event]:
    baselines = getattr(trainable.module, "baselines", None)
    if baselines is None:
        return []
    return [Event(kind="baselines", details={"rows": list(baselines(spec.data))})]


def _reopen(path: str, spec: StudySpec, accept_changes: bool) -> _Opened:
    """Open a study to go on with; only its budget may have changed, or code and data if accepted.

    What it had not got when it was killed (baselines, what others know) is got now.
    """
    study = StudyStore.open(path)
    check_outside(path, spec)
    before = StudySpec.from_dict(study.header["spec"])
    changed = _changed(before, spec)
    if refused := changed - ({"trainable", "data"} if accept_changes else set()):
        raise StudyError(
            "a study must be resumed as it was begun, but for its budget",
            given=f"other values of {', '.join(sorted(refused))} than in {path}",
            remedy="take the same study file and --set values, or another --store",
        )
    kinds = study.read("events").column("kind").to_pylist()
    trainable = import_trainable(spec.trainable)
    now = identify(spec, trainable)
    events = identity_events(study.header, now, path=path, accept_changes=accept_changes)
    if changed:
        told = [f"study file: another {name}" for name in sorted(changed)]
        events.append(Event(kind="changes_accepted", details={"changes": told}))
    header = dict(study.header)
    if any(event.kind == "changes_accepted" for event in events):
        header |= {"fingerprint": now.fingerprint, "data": now.data}
    if "baselines" not in kinds:
        events += _baselines(trainable, spec)
    if spec.search.warm_start and "warm_start" not in kinds:
        events.append(warm_start_event(read_warm_start(spec)))
    if before.budget != spec.budget:
        details = {"before": before.budget.to_dict(), "now": spec.budget.to_dict()}
        events.append(Event(kind="budget_changed", details=details))
    if before != spec:
        header["spec"] = spec.to_dict()
    return _Opened(store=study, events=events, header=header, resumed=True)


def _changed(before: StudySpec, spec: StudySpec) -> set[str]:
    """Return which sections differ, but for the budget."""
    names = {field.name for field in dataclasses.fields(spec)} - {"budget"}
    return {name for name in names if getattr(before, name) != getattr(spec, name)}


def _conductor(agenda: Agenda, recorder: Recorder, study: StudyStore) -> Conductor:
    """Return a conductor that goes on where the store says the study stands."""
    restored = restore(agenda, recorder, study)
    return Conductor(
        agenda,
        recorder,
        store=study.uri,
        header=study.header,
        curves=restored.curves,
        growth=restored.growth,
        elapsed_seconds=restored.elapsed_seconds,
        searched_joules=StudyBill(store=study).search_joules(),
    )


def _ended(study: StudyStore, spec: StudySpec) -> str | None:
    """Return why the study has ended, None if it has not, or if its budget is another now."""
    for row in reversed(study.read("events").to_pylist()):
        if row["kind"] == "study_finished":
            details = json.loads(row["details"])
            if details.get("budget", spec.budget.to_dict()) != spec.budget.to_dict():
                return None
            return str(details["reason"])
    return None


def _started(lease: Lease, resumed: bool) -> list[Event]:
    """Return what is told of a driver's beginning: who it is, and from whom it has taken over."""
    driver = {"generation": lease.generation, "host": lease.holder.host, "pid": lease.holder.pid}
    events = [Event(kind="study_started", details={"resumed": resumed} | driver)]
    if lease.taken_from is not None:
        details = {"from": str(lease.taken_from), "generation": lease.generation}
        events.append(Event(kind="lease_taken_over", details=details))
    return events


def _close(conductor: Conductor, recorder: Recorder, path: str) -> Outcome:
    finished = conductor.finished and not conductor.stopping
    reason = (conductor.agenda.end_reason or "") if finished else "interrupted"
    details = {"reason": reason, "elapsed_seconds": conductor.elapsed_seconds, "pid": os.getpid()}
    if finished:
        conductor.choose_reference(at_the_end=True)
        ended = conductor.agenda.ended
        details |= {"ended_by": ended.kind if ended else ""}
        details |= {"budget": conductor.spec.budget.to_dict()}
    kind = "study_finished" if finished else "study_interrupted"
    recorder.events(None, [Event(kind=kind, details=details)])
    recorder.sync()
    return Outcome(path=path, finished=finished, reason=reason)
