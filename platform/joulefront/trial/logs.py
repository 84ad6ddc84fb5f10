"""Keep what a trial prints beside the study, one file a trial and rank."""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, TextIO

from joulefront.errors import StoreWriteError
from joulefront.store import Place as StorePlace
from joulefront.store import patiently, place_of
from joulefront.store.durable import writing
from joulefront.trial.assignment import Assignment, Place


def log_name(trial_id: str, rank: int = 0) -> str:
    """Return where the log of a trial's rank lies in a study."""
    return f"logs/{trial_id}.log" if rank == 0 else f"logs/{trial_id}.rank{rank}.log"


@contextlib.contextmanager
def logged(assignment: Assignment, place: Place) -> Iterator[None]:
    """Send Python's standard output and error to the trial's log while it runs.

    Lines of later attempts are appended. While the disk is full, printing waits for room. Without a
    store, output stays where it is; in an object store it arrives when the attempt ends. Output
    that C code writes past Python's streams goes to Ray's own logs.
    """
    if assignment.store is None:
        yield
        return
    study, name = place_of(assignment.store), log_name(assignment.trial_id, place.rank)
    with (
        _log(study, name) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        if assignment.attempt > 1:
            print(f"--- attempt {assignment.attempt}", file=log)
        yield


@contextlib.contextmanager
def _log(study: StorePlace, name: str) -> Iterator[TextIO]:
    if study.local is not None:
        path = study.local / name
        with _text(patiently(partial(_PatientFile, path), tell=_unsaid)) as log:
            yield log
        if not path.stat().st_size:  # most trials print nothing, and there may be thousands
            path.unlink()
        return
    with tempfile.TemporaryDirectory(prefix="joulefront-log-") as scratch:
        path = Path(scratch, "log")
        try:
            with _text(io.FileIO(path, "w")) as log:
                yield log
        finally:
            with contextlib.suppress(StoreWriteError):  # a trial does not fail for its log
                study.publish(name, _earlier(study, name) + path.read_bytes())


class _PatientFile(io.FileIO):
    """A file that is appended to, and waits for room where the disk is full."""

    def __init__(self, path: Path) -> None:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            super().__init__(path, "a")

    def write(self, data: Any, /) -> int:
        return patiently(partial(self._write, data), tell=_unsaid)

    def _write(self, data: Any) -> int:
        with writing(str(self.name)):
            return super().write(data)


def _text(file: io.FileIO) -> TextIO:
    buffer = io.BufferedWriter(file)
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="replace", line_buffering=True)


def _unsaid(_: str) -> None:
    """Say nothing of a full disk: the driver does."""


def _earlier(study: StorePlace, name: str) -> bytes:
    try:
        return study.read(name)
    except OSError:  # there is none, or none that can be read
        return b""
