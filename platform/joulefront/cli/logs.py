"""`study logs STUDY TRIAL`: what a trial printed, and why it failed."""

from __future__ import annotations

import difflib
import json
from typing import Annotated

import typer

from joulefront.cli.piping import write_text
from joulefront.errors import StudyError


def logs(
    study: Annotated[str, typer.Argument(help="Study directory or URI.")],
    trial: Annotated[str, typer.Argument(help="Trial, such as c0007-f0-s0.")],
) -> None:
    """Print what a trial wrote to its standard output and error."""
    from joulefront.store import StudyStore, check_trial_id, fold_trials
    from joulefront.store.places import reading

    store = StudyStore.open(study)
    known = fold_trials(store.read("trials")).column("trial_id").to_pylist()
    if trial not in known:
        near = difflib.get_close_matches(trial, known, n=1)
        raise StudyError(
            f"{study} must hold the trial",
            given=trial,
            remedy=f"did you mean {near[0]}?" if near else "`study status` lists the trials",
        )
    check_trial_id(trial)
    with reading(store.place, "logs"):
        for name, size in store.place.entries("logs"):
            stem = name.removeprefix("logs/").removesuffix(".log")
            if size and (stem == trial or stem.startswith(f"{trial}.rank")):
                write_text(store.place.read(name).decode("utf-8", "replace"))
    for row in store.read("events").to_pylist():
        if row["trial_id"] == trial and row["kind"] == "trial_failed":
            details = json.loads(row["details"])
            delay = details.get("after_seconds", 0.0)
            again = f"; tried again after {delay:.0f} s" if delay else ""
            write_text(f"attempt {row['attempt']} failed: {details['failure']}{again}")
