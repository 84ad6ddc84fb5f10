"""Keep what a trial prints beside the study, one file a trial and rank."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from joulefront.errors import StoreWriteError
from joulefront.store import Place as StorePlace
from joulefront.store import place_of
from joulefront.trial.assignment import Assignment, Place


def log_name(trial_id: str, rank: int = 0) -> str:
    """Return where the log of a trial's rank lies in a study."""
    return f"logs/{trial_id}.log" if rank == 0 else f"logs/{trial_id}.rank{rank}.log"


@contextlib.contextmanager
def logged(assignment: Assignment, place: Place) -> Iterator[None]:
    """Send Python's standard output and error to the trial's log while it runs.

    Lines of later attempts are appended. Without a store, output stays where it is; in an object
    store it arrives when the attempt ends. Output that C code writes past Python's streams goes to
    Ray's own logs.
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
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8", errors="replace", buffering=1) as log:
            yield log
        return
    with tempfile.TemporaryDirectory(prefix="joulefront-log-") as scratch:
        path = Path(scratch, "log")
        try:
            with path.open("w", encoding="utf-8", errors="replace", buffering=1) as log:
                yield log
        finally:
            with contextlib.suppress(StoreWriteError):  # a trial does not fail for its log
                study.publish(name, _earlier(study, name) + path.read_bytes())


def _earlier(study: StorePlace, name: str) -> bytes:
    try:
        return study.read(name)
    except OSError:  # there is none, or none that can be read
        return b""
