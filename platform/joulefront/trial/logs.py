"""Keep what a trial prints beside the study, one file a trial and rank."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from joulefront.trial.assignment import Assignment, Place


def log_path(store: Path, trial_id: str, rank: int = 0) -> Path:
    """Return where the log of a trial's rank lies in a study directory."""
    name = f"{trial_id}.log" if rank == 0 else f"{trial_id}.rank{rank}.log"
    return store / "logs" / name


@contextlib.contextmanager
def logged(assignment: Assignment, place: Place) -> Iterator[None]:
    """Send Python's standard output and error to the trial's log while it runs.

    Lines of later attempts are appended. Without a store, output stays where it is. Output that C
    code writes past Python's streams goes to Ray's own logs.
    """
    if assignment.store is None:
        yield
        return
    path = log_path(Path(assignment.store), assignment.trial_id, place.rank)
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        path.open("a", encoding="utf-8", errors="replace", buffering=1) as log,
        contextlib.redirect_stdout(log),
        contextlib.redirect_stderr(log),
    ):
        if assignment.attempt > 1:
            print(f"--- attempt {assignment.attempt}", file=log)
        yield
