"""Whether a study that is gone on with is still the one that was begun.

Its code and its data must be: a difference is refused, or accepted by the user and recorded. The
environment and the kind of machine are noted only, since a cluster's image moves on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joulefront.errors import StudyError
from joulefront.launch.fingerprint import study_fingerprint
from joulefront.spec import StudySpec, Trainable
from joulefront.store import is_remote
from joulefront.trial.messages import Event

_ENVIRONMENT = ("python", "system", "cuda")
_SHOWN = 5  # names in a sentence


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """What a study depends on: its fingerprint, and what its trainable says of its data."""

    fingerprint: Mapping[str, Any]
    data: Mapping[str, Any] | None


def identify(spec: StudySpec, trainable: Trainable) -> Identity:
    """Look at a study's code, data, environment and machine, as they are now.

    Raises:
        DataError: If the trainable's cohort cannot be read.
        TrainableError: If its module is not there or is not Python.
    """
    describe = getattr(trainable.module, "describe_data", None)
    data = None if describe is None else describe(spec.data)
    return Identity(fingerprint=study_fingerprint(spec, data), data=data)


def differences(header: Mapping[str, Any], now: Identity) -> list[str]:
    """Say how code and data differ from those of a study, a sentence each.

    A study that was made before fingerprints were stored differs in nothing.
    """
    before = header.get("fingerprint")
    if before is None:
        return []
    files = _changes(before["trainable"]["files"], now.fingerprint["trainable"]["files"])
    sentences = [f"code: {text}" for text in files]
    if before["data"] != now.fingerprint["data"]:
        sentences += [f"data: {text}" for text in _data(header.get("data"), now.data)]
    return sentences


def environment_changes(header: Mapping[str, Any], now: Identity) -> list[str]:
    """Say how environment and machine differ from those of a study, a sentence each."""
    stored = header.get("fingerprint")
    if stored is None:
        return []
    before, after = _versions(stored), _versions(now.fingerprint)
    sentences = [
        f"{name}: {after.get(name)} instead of {before.get(name)}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    classes = now.fingerprint["node_classes"]
    if not set(classes) <= set(stored["node_classes"]):
        known = " or ".join(stored["node_classes"])
        sentences.append(f"node class: {', '.join(classes)} instead of {known}")
    return sentences


def identity_events(
    header: Mapping[str, Any], now: Identity, *, path: str, accept_changes: bool
) -> list[Event]:
    """Return what is to be recorded before a study goes on.

    Args:
        header: Of the study.
        now: What it would go on as.
        path: Of the study, for the error.
        accept_changes: Whether the user takes responsibility for code or data that differ.

    Raises:
        StudyError: If code or data differ, and that is not accepted.
    """
    events = []
    if changed := differences(header, now):
        if not accept_changes:
            raise StudyError(
                f"{path} must go on with the code and the data that it was begun with",
                given="; ".join(changed),
                remedy="restore them, or give --accept-changes, which is recorded",
            )
        details = {"changes": changed, "before": header["fingerprint"], "now": now.fingerprint}
        events.append(Event(kind="changes_accepted", details=details))
    if noted := environment_changes(header, now):
        events.append(Event(kind="environment_changed", details={"changes": noted}))
    return events


def check_outside(path: str, spec: StudySpec) -> None:
    """Refuse to run code that lies in a study's own directory, which may be a stranger's.

    Raises:
        StudyError: If the trainable's file, or the current folder, is in it.
    """
    if is_remote(path):
        return
    home = Path(path).resolve()
    file = spec.trainable.rpartition(":")[0]
    for place in (Path(file), Path.cwd()) if file.endswith(".py") else (Path.cwd(),):
        if place.resolve().is_relative_to(home):
            raise StudyError(
                "code must not come from the directory of a study",
                given=str(place),
                remedy="look at what it does, and run it from another folder",
            )


def _versions(fingerprint: Mapping[str, Any]) -> dict[str, Any]:
    environment = fingerprint["environment"]
    return {**environment["packages"], **{name: environment[name] for name in _ENVIRONMENT}}


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    told = {
        "changed": [name for name in now if name in before and before[name] != now[name]],
        "added": [name for name in now if name not in before],
        "gone": [name for name in before if name not in now],
    }
    return [f"{_listed(names)} {what}" for what, names in told.items() if names]


def _data(before: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[str]:
    if before is None or now is None:
        return ["it is described now" if before is None else "it is no longer described"]
    known, given = (dict.fromkeys(map(str, told.get("subjects", ()))) for told in (before, now))
    sentences = [f"subjects {text}" for text in _changes(known, given)]
    others = [name for name in before.keys() | now.keys() if before.get(name) != now.get(name)]
    return sentences or [f"other {_listed(sorted(others))}"]


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
