"""What a study learns from earlier ones (`search.warm_start`): read once, then kept in its store.

What matches and why the rest does not is `joulefront.search.warm_start`'s affair. What was taken is
an event of the study, so that a resume needs no other directory.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from joulefront.launch.observations import required_replicates
from joulefront.launch.stored_spec import read_spec
from joulefront.search import Observation
from joulefront.search.warm_start import PastConfiguration, WarmStart, warm_observations
from joulefront.spec import ENERGY_METRICS, StudySpec
from joulefront.store import PARAMETER_PREFIX, SCHEMAS, StudyStore, fold_trials
from joulefront.trial.messages import Event

_MEASURED = (*ENERGY_METRICS, "duration_seconds")


def read_warm_start(spec: StudySpec) -> WarmStart:
    """Match the fully measured configurations of all studies that `spec` names.

    Raises:
        StudyError: One is no study.
    """
    studies = spec.search.warm_start
    past: list[PastConfiguration] = []
    foreign: dict[str, Mapping[str, int]] = {}
    for study in studies:
        store = StudyStore.open(study)
        there = read_spec(store.header)
        measured = list(_past_configurations(study, store, there))
        if there.trainable != spec.trainable:
            foreign[study] = {"they are of another trainable": len(measured)}
        elif there.data != spec.data:
            foreign[study] = {"they are of other data": len(measured)}
        else:
            past += measured
    warm = warm_observations(spec, past)
    return dataclasses.replace(
        warm,
        taken=dict.fromkeys(studies, 0) | dict(warm.taken),
        refused={study: {} for study in studies} | dict(warm.refused) | foreign,
    )


def warm_start_event(warm: WarmStart) -> Event:
    """Return the record of what was taken, and why the rest was not."""
    details = {
        "taken": dict(warm.taken),
        "refused": {study: dict(reasons) for study, reasons in warm.refused.items()},
        "observations": [dataclasses.asdict(one) for one in warm.observations],
    }
    return Event(kind="warm_start", details=details)


def stored_observations(store: StudyStore) -> tuple[Observation, ...]:
    """Return what the study has taken from others, as its store tells."""
    events = store.read("events").to_pylist()
    told = [json.loads(row["details"]) for row in events if row["kind"] == "warm_start"]
    return tuple(_observation(one) for one in (told[0]["observations"] if told else ()))


def warm_start_notes(warm: WarmStart) -> Iterable[str]:
    """Say a line a study what was taken from it."""
    for study, count in warm.taken.items():
        refused = "; ".join(f"{n} not: {why}" for why, n in warm.refused[study].items())
        yield f"warm start from {study}: {count} configurations taken" + (
            f"; {refused}" if refused else ""
        )


def _past_configurations(
    directory: str, store: StudyStore, there: StudySpec
) -> Iterable[PastConfiguration]:
    """Return what a study has fully measured."""
    rows: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    params: dict[str, dict[str, Any]] = {}
    for row in store.read("trials").to_pylist():
        if row["kind"] == "start" and row["params_json"] is not None:
            params[row["config_id"]] = json.loads(row["params_json"])
    for row in fold_trials(store.read("trials")).to_pylist():
        if row["state"] == "complete":
            rows[row["config_id"]].append(row)
    fixed = set(SCHEMAS["trials"].names) - set(_MEASURED)
    for config_id, trials in rows.items():
        if len(trials) < required_replicates(there):
            continue
        names = {n for n in trials[0] if n not in fixed and not n.startswith(PARAMETER_PREFIX)}
        yield PastConfiguration(
            study=directory,
            config_id=config_id,
            params=params[config_id],
            fixed=there.fixed,
            values={name: _mean(row.get(name) for row in trials) for name in names},
        )


def _mean(values: Iterable[Any]) -> float:
    numbers = [float(v) if isinstance(v, (int, float)) else math.nan for v in values]
    return math.fsum(numbers) / len(numbers)


def _observation(written: Mapping[str, Any]) -> Observation:
    lists = {name: tuple(written[name]) for name in ("values", "constraints")}
    return Observation(**(dict(written) | lists))
