"""A study made, or opened to go on with: what it is by its store, and what has changed since.

Nothing is written here but a new study's header: events come later, from the driver that holds the
lease.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulefront.energy.rapl import Rapl
from joulefront.errors import StudyError
from joulefront.launch.display import Display
from joulefront.launch.header import study_header
from joulefront.launch.identity import check_outside, identify, identity_events
from joulefront.launch.stored_spec import read_spec, stored_spec, with_paths
from joulefront.launch.warm_start import read_warm_start, warm_start_event, warm_start_notes
from joulefront.spec import StudySpec, Trainable, import_trainable
from joulefront.store import StudyStore
from joulefront.trial.messages import Event


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A study that is about to be driven.

    Attributes:
        store: As it is on the disk.
        events: To be written before anything else.
        header: That the store is given after them.
        resumed: Whether it was there before.
    """

    store: StudyStore
    events: list[Event]
    header: Mapping[str, Any]
    resumed: bool


def create(path: str, spec: StudySpec, display: Display) -> Opened:
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
    return Opened(store=store, events=events, header=store.header, resumed=False)


def _baselines(trainable: Trainable, spec: StudySpec) -> list[Event]:
    baselines = getattr(trainable.module, "baselines", None)
    if baselines is None:
        return []
    return [Event(kind="baselines", details={"rows": list(baselines(spec.data))})]


def reopen(path: str, spec: StudySpec, accept_changes: bool) -> Opened:
    """Open a study to go on with; only its budget may have changed, or code and data if accepted.

    What it had not got when it was killed (baselines, what others know) is got now.
    """
    study = StudyStore.open(path)
    check_outside(path, spec)
    before = read_spec(study.header)
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
        header["spec"] = stored_spec(spec)
    return Opened(store=study, events=events, header=header, resumed=True)


def _changed(before: StudySpec, spec: StudySpec) -> set[str]:
    """Return which sections differ, but for the budget; content tells files that moved."""
    one, other = (with_paths(each, lambda path: Path(path).name) for each in (before, spec))
    names = {field.name for field in dataclasses.fields(spec)} - {"budget"}
    return {name for name in names if getattr(one, name) != getattr(other, name)}
