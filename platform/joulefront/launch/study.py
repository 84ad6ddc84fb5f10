"""Launch a study: make or resume its store, run its trials on Ray, and leave it readable."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulefront.energy import PowerModel, power_model
from joulefront.errors import StudyError
from joulefront.launch.agenda import Agenda
from joulefront.launch.cluster import check_address, cluster_hosts, ray_cluster
from joulefront.launch.conductor import Conductor
from joulefront.launch.display import Display, Silent
from joulefront.launch.header import study_header
from joulefront.launch.recorder import Recorder
from joulefront.launch.resources import Resources, local_cores
from joulefront.launch.restoring import restore
from joulefront.launch.sharing import check_shared
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
    study, baselines = _reopen(path, spec) if known else _create(path, spec)
    reason = _ended(study)
    if reason is not None:
        return Outcome(path=path, finished=True, reason=reason)
    display.note(f"energy: {PowerModel.from_dict(study.header['power_model']).source}")
    with study.writer() as writer:
        recorder = Recorder(writer, study.header["grid_intensity_grams_per_kwh"])
        agenda = Agenda(spec)
        elapsed = restore(agenda, recorder, study) if known else 0.0
        conductor = Conductor(
            agenda,
            recorder,
            store=study.path,
            power_model=study.header["power_model"],
            elapsed_seconds=elapsed,
        )
        recorder.events(None, [Event(kind="study_started", details={"resumed": known})])
        if baselines is not None:
            recorder.events(None, [Event(kind="baselines", details={"rows": baselines})])
        recorder.sync()
        _conduct(conductor, address, display)
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


def _create(path: Path, spec: StudySpec) -> tuple[StudyStore, list[Any] | None]:
    """Make the study's store, and return its baselines, if the trainable offers any.

    Whatever the data may refuse is found before anything is written.
    """
    StudyStore.refuse_existing(path)
    trainable = import_trainable(spec.trainable)
    header = study_header(spec, trainable, power_model())
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


def _conduct(conductor: Conductor, address: str | None, display: Display) -> None:
    """Let Tune carry out what the conductor hands out."""
    spec = conductor.spec
    each = Resources.of_trial(spec)
    concurrent = spec.search.concurrent or each.fitting(local_cores(), _local_gpus(each))
    with (
        ray_cluster(
            address,
            cpus=spec.per_trial.cpus,
            slots=concurrent * each.cpus + (1 if spec.per_trial.workers else 0),
            gpus=concurrent * each.gpus,
        ),
        tempfile.TemporaryDirectory(prefix="joulefront-") as scratch,
        _interruptible(conductor.stop),
        display.watching(conductor) as refresh,
    ):
        from joulefront.launch.tuning import run_tune

        if address is not None:
            check_shared(conductor.store, cluster_hosts())
            concurrent = spec.search.concurrent or _cluster_slots(each)
        run_tune(conductor, concurrent=concurrent, scratch=Path(scratch), refresh=refresh)


def _local_gpus(each: Resources) -> int:
    if not each.gpus:
        return 0
    import torch

    return int(torch.cuda.device_count())


def _cluster_slots(each: Resources) -> int:
    import ray

    resources = ray.cluster_resources()
    return each.fitting(resources.get("CPU", 1.0), resources.get("GPU", 0.0))


@contextmanager
def _interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C stop the study cleanly, and the second end the process."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def interrupt(*_: object) -> None:
        signal.signal(signal.SIGINT, before)
        stop()

    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _close(conductor: Conductor, recorder: Recorder, path: Path) -> Outcome:
    finished = conductor.finished and not conductor.stopping
    reason = (conductor.agenda.end_reason or "") if finished else "interrupted"
    details = {"reason": reason, "elapsed_seconds": conductor.elapsed_seconds, "pid": os.getpid()}
    kind = "study_finished" if finished else "study_interrupted"
    recorder.events(None, [Event(kind=kind, details=details)])
    recorder.sync()
    return Outcome(path=path, finished=finished, reason=reason)
