"""`study logs STUDY TRIAL`: what a trial printed, and why it failed."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import Annotated

import typer

from joulefront.cli.piping import write_text
from joulefront.errors import StudyError


def logs(
    study: Annotated[Path, typer.Argument(help="Study directory.")],
    trial: Annotated[str, typer.Argument(help="Trial, such as c0007-f0-s0.")],
) -> None:
    """Print what a trial wrote to its standard output and error."""
    from joulefront.store import StudyStore, check_trial_id, fold_trials

    store = StudyStore.open(study)
    known = fold_trials(store.read("trials")).column("trial_id").to_pylist()
    if trial not in known:
        near = difflib.get_close_matches(trial, known, n=1)
        raise StudyError(
            f"{study} must hold the trial",
            given=trial,
            remedy=f"did you mean {near[0]}?" if near else "`study status` lists the trials",
        )
    for path in sorted((study / "logs").glob(f"{check_trial_id(trial)}*.log")):
        own = path.stem == trial or path.stem.startswith(f"{trial}.rank")
        if own and path.is_file() and not path.is_symlink() and path.stat().st_size:
            write_text(path.read_text(encoding="utf-8", errors="replace"))
    for row in store.read("events").to_pylist():
        if row["trial_id"] == trial and row["kind"] == "trial_failed":
            write_text(f"attempt {row['attempt']} failed: {json.loads(row['details'])['failure']}")
