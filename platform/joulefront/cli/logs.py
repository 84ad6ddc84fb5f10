"""`study logs STUDY TRIAL`: what a trial printed, and why it failed."""

from __future__ import annotations

import json

from joulefront.cli.options import StudyPlace, TrialId
from joulefront.cli.piping import write_text
from joulefront.errors import StudyError
from joulefront.spec.nearest import remedy


def logs(
    study: StudyPlace,
    trial: TrialId,
) -> None:
    """Print what a trial wrote to its standard output and error."""
    from joulefront.store import StudyStore, check_trial_id, fold_trials
    from joulefront.store.places import reading

    store = StudyStore.open(study)
    known = fold_trials(store.read("trials")).column("trial_id").to_pylist()
    if trial not in known:
        must, near = f"{study} must hold the trial", remedy(trial, known)
        raise StudyError(must, given=trial, remedy=near or "it has none yet")
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
