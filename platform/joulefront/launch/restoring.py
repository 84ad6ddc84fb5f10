"""Rebuild the agenda and the recorder's memory from a study's store: the whole of resume.

Nothing but the store's tables is read: no sampler state, no experiment file of Ray's. Attempts
that were lost with their driver get an end row here, so that every reader sees what became of
them, and run again before anything new is proposed.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from joulefront.launch.agenda import Agenda, TrialPlan
from joulefront.launch.recorder import BILLED, Recorder
from joulefront.launch.retries import CARRIED, AttemptEnergy
from joulefront.store import StudyStore
from joulefront.trial.messages import ChargeRow

Row = Mapping[str, Any]
_PROVENANCES = {"cpu": "modelled", "gpu": "counter", "ram": "constant"}


def restore(agenda: Agenda, recorder: Recorder, store: StudyStore) -> float:
    """Bring a new agenda and recorder to where the store says the study stands.

    Args:
        agenda: Empty, of the same spec.
        recorder: Whose writer will go on with the study.
        store: The study so far.

    Returns:
        Seconds that earlier drivers have run.
    """
    trials = store.read("trials").to_pylist()
    reports = store.read("reports").to_pylist()
    events = store.read("events").to_pylist()
    energy = store.read("energy").to_pylist()
    _add_configurations(agenda, trials)
    recorder.spent_joules = sum(row["joules"] for row in energy if row["component"] in BILLED)
    ends = _first_by_attempt(row for row in trials if row["kind"] == "end")
    retried = {
        (row["trial_id"], row["attempt"])
        for row in events
        if row["kind"] == "trial_failed" and json.loads(row["details"])["retry"]
    }
    _adopt_energy(recorder, trials, reports, energy)
    for trial in list(agenda.trials()):
        if trial.attempt:
            _settle(agenda, recorder, trial, ends, retried)
    return _elapsed(trials, events)


def _add_configurations(agenda: Agenda, trials: Sequence[Row]) -> None:
    """Repeat the recorded proposals; count the attempts of each trial."""
    starts = sorted(
        (row for row in trials if row["kind"] == "start"),
        key=lambda row: (row["proposal_index"], row["attempt"]),
    )
    for row in starts:
        if row["proposal_index"] == len(agenda.configurations):
            agenda.add(json.loads(row["params_json"]), json.loads(row["sampler_attributes"]))
        trial = agenda.trial(row["trial_id"])
        trial.attempt = max(trial.attempt, row["attempt"])


def _first_by_attempt(rows: Any) -> dict[tuple[str, int], Row]:
    first: dict[tuple[str, int], Row] = {}
    for row in rows:
        first.setdefault((row["trial_id"], row["attempt"]), row)
    return first


def _adopt_energy(
    recorder: Recorder, trials: Sequence[Row], reports: Sequence[Row], energy: Sequence[Row]
) -> None:
    by_epoch: dict[tuple[str, int], dict[int, dict[str, float]]] = defaultdict(dict)
    for row in reports:
        by_epoch[row["trial_id"], row["attempt"]][row["epoch"]] = _components(row)
    closed: dict[tuple[str, int], dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in energy:
        closed[row["trial_id"], row["attempt"]][row["component"]] += row["joules"]
    attempts: dict[str, list[AttemptEnergy]] = defaultdict(list)
    for row in trials:
        if row["kind"] != "start":
            continue
        key = (row["trial_id"], row["attempt"])
        epochs = by_epoch[key]
        resumed = (row["resumed_attempt"], row["resumed_epoch"])
        attempts[row["trial_id"]].append(
            AttemptEnergy(
                attempt=row["attempt"],
                total=closed.get(key) or (epochs[max(epochs)] if epochs else {}),
                by_epoch=epochs,
                resumed_from=None if resumed[0] is None else resumed,
            )
        )
    for trial_id, known in attempts.items():
        known.sort(key=lambda attempt: attempt.attempt)
        written = (trial_id, known[-1].attempt) in closed
        recorder.adopt(trial_id, known, None if written else _charges(known[-1].total))


def _charges(total: Mapping[str, float]) -> list[ChargeRow]:
    """Return the charges that an attempt's last report tells, which knows no host."""
    return [
        ChargeRow(
            host="unknown",
            device=component,
            component=component,
            joules=total[component],
            provenance=provenance,
        )
        for component, provenance in _PROVENANCES.items()
        if total.get(component)
    ]


def _components(row: Row) -> dict[str, float]:
    return {name: row.get(f"energy_{name}_joules") or 0.0 for name in CARRIED}


def _settle(
    agenda: Agenda,
    recorder: Recorder,
    trial: TrialPlan,
    ends: Mapping[tuple[str, int], Row],
    retried: set[tuple[str, int]],
) -> None:
    """Give one trial the state that its rows tell."""
    keys = [(trial.trial_id, attempt) for attempt in range(1, trial.attempt + 1)]
    states = {key[1]: ends[key]["state"] for key in keys if key in ends}
    trial.failures = sum(state == "failed" for state in states.values())
    trial.discarded = [n for n in states if n < trial.attempt and states[n] == "complete"]
    end = ends.get(keys[-1])
    if end is None:
        recorder.lost(
            agenda.configuration_of(trial), trial, state="stopped", failure="lost with its driver"
        )
    if end is None or end["state"] == "stopped" or keys[-1] in retried:
        agenda.requeue(trial.trial_id)
    elif end["state"] == "complete":
        if end["quality"] != "good" and agenda.remeasure(trial.trial_id):
            return
        values = (float(end[objective.metric]) for objective in agenda.spec.objectives)
        agenda.complete(trial.trial_id, tuple(values))
    else:
        trial.failures -= 1
        agenda.fail(trial.trial_id, retryable=False)


def _elapsed(trials: Sequence[Row], events: Sequence[Row]) -> float:
    """Add up the spans from each driver's start to the last thing it wrote."""
    begins = sorted(row["time"] for row in events if row["kind"] == "study_started")
    written = sorted(row["time"] for row in (*trials, *events))
    total = 0.0
    for begin, following in pairwise([*begins, float("inf")]):
        total += max(time for time in written if begin <= time < following) - begin
    return total
