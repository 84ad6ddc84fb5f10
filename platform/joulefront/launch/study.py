"""Launch a study: make or resume its store, run its trials on Ray, and leave it readable."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

from joulefront.energy import PowerModel
from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.conductor import Conductor
from joulefront.launch.display import Display, Silent
from joulefront.launch.driving import heeding, leased
from joulefront.launch.execution import execute
from joulefront.launch.opening import Opened, create, reopen
from joulefront.launch.reach import check_address, check_listen
from joulefront.launch.recorder import Recorder
from joulefront.launch.restoring import restore
from joulefront.launch.row_times import row_clock
from joulefront.launch.stored_spec import with_paths
from joulefront.launch.upkeep import Upkeep
from joulefront.launch.warm_start import stored_observations
from joulefront.spec import StudySpec
from joulefront.store import Lease, PatientWriter, StudyStore, place_of
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
    created = None if known else create(path, spec, display)
    with leased(place_of(path), display) as lease:
        opened = created or reopen(path, spec, accept_changes)
        return _drive(opened, spec, lease, display, address, listen)


def _drive(
    opened: Opened,
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
    made = with_paths(spec, lambda path: str(Path(path).absolute()))
    sent = "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ
    return dataclasses.replace(made, trainable=spec.trainable) if sent else made


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
