"""Rebuild a study's plan and the recorder's memory from its store: the whole of resume.

Nothing but the store's tables is read: no sampler state, no experiment file of Ray's. Attempts
that were lost with their driver get an end row here, so that every reader sees what became of
them, and run again before anything new is proposed.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from joulefront.launch.agenda import Agenda
from joulefront.launch.curves import Curves, State
from joulefront.launch.growth import Growth
from joulefront.launch.plan import TrialPlan
from joulefront.launch.recorder import BILLED, Recorder
from joulefront.launch.retries import CARRIED, AttemptEnergy
from joulefront.spec import StudySpec
from joulefront.store import StudyStore
from joulefront.trial.messages import ChargeRow

Row = Mapping[str, Any]
_PROVENANCES = {"cpu": "modelled", "gpu": "counter", "ram": "constant"}
_CURVES: Mapping[str, State] = {"complete": "complete", "pruned": "pruned"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What a driver needs to know of those before it.

    Attributes:
        elapsed_seconds: That they have run.
        curves: Of all trials.
        growth: Of the front.
    """

    elapsed_seconds: float
    curves: Curves
    growth: Growth


@dataclass(frozen=True, kw_only=True, slots=True)
class _Past:
    """The rows of a study, as far as its trials' states are told by them."""

    ends: Mapping[tuple[str, int], Row]
    retried: frozenset[tuple[str, int]]
    projected: Mapping[tuple[str, int], tuple[float, ...]]


def restore(agenda: Agenda, recorder: Recorder, store: StudyStore) -> Restored:
    """Bring a new agenda and recorder to where the store says the study stands.

    Args:
        agenda: Empty, of the same spec.
        recorder: Whose writer will go on with the study.
        store: The study so far.
    """
    trials = store.read("trials").to_pylist()
    reports = store.read("reports").to_pylist()
    events = store.read("events").to_pylist()
    energy = store.read("energy").to_pylist()
    _add_configurations(agenda, trials)
    recorder.spent_joules = sum(row["joules"] for row in energy if row["component"] in BILLED)
    past = _past(trials, events)
    _adopt_energy(recorder, trials, reports, energy)
    for trial in list(agenda.trials()):
        if trial.attempt:
            _settle(agenda, recorder, trial, past)
    curves = _curves(agenda, recorder, reports, past)
    for trial in agenda.trials():
        if trial.attempt and trial.state in ("complete", "pruned", "failed"):
            recorder.forget(trial.trial_id)
    return Restored(
        elapsed_seconds=_elapsed(trials, events),
        curves=curves,
        growth=_growth(agenda, events, past),
    )


def _add_configurations(agenda: Agenda, trials: Sequence[Row]) -> None:
    """Repeat the recorded proposals and replicates; count the attempts of each trial."""
    starts = sorted(
        (row for row in trials if row["kind"] == "start"),
        key=lambda row: (int(row["config_id"][1:]), row["proposal_index"], row["attempt"]),
    )
    first_seed = agenda.spec.search.seed
    for row in starts:
        number = int(row["config_id"][1:])
        if number == len(agenda.configurations):
            agenda.add(
                json.loads(row["params_json"]),
                json.loads(row["sampler_attributes"]),
                proposal_index=row["proposal_index"],
                role="enqueued" if row["role"] == "enqueued" else "search",
            )
        configuration = agenda.configurations[number]
        known = {trial.trial_id for trial in configuration.trials}
        if row["trial_id"] not in known and agenda.spec.replicates.allocate == "all":
            agenda.replicate(configuration, row["proposal_index"])
        elif row["trial_id"] not in known:
            place = (row["fold"], row["seed"] - first_seed)
            agenda.add_trial(configuration, *place, "replicate", row["proposal_index"])
        trial = agenda.trial(row["trial_id"])
        trial.attempt = max(trial.attempt, row["attempt"])


def _past(trials: Sequence[Row], events: Sequence[Row]) -> _Past:
    ends: dict[tuple[str, int], Row] = {}
    for row in trials:
        if row["kind"] == "end":
            ends.setdefault((row["trial_id"], row["attempt"]), row)
    told = [(row["kind"], (row["trial_id"], row["attempt"]), row["details"]) for row in events]
    retried = (
        key
        for kind, key, details in told
        if kind == "trial_failed" and json.loads(details)["retry"]
    )
    projected = {
        key: tuple(json.loads(details)["projected"])
        for kind, key, details in told
        if kind == "trial_pruned"
    }
    return _Past(ends=ends, retried=frozenset(retried), projected=projected)


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


def _settle(agenda: Agenda, recorder: Recorder, trial: TrialPlan, past: _Past) -> None:
    """Give one trial the state that its rows tell."""
    keys = [(trial.trial_id, attempt) for attempt in range(1, trial.attempt + 1)]
    states = {key[1]: past.ends[key]["state"] for key in keys if key in past.ends}
    trial.failures = sum(state == "failed" for state in states.values())
    trial.discarded = [n for n in states if n < trial.attempt and states[n] == "complete"]
    end, last = past.ends.get(keys[-1]), keys[-1]
    configuration = agenda.configuration_of(trial)
    joules = recorder.spent_on(trial.trial_id)
    if end is None and last in past.projected:  # it was told to stop, and the driver died
        rule = agenda.spec.stopping.rule
        recorder.cut(configuration, trial, state="pruned", reason=f"stopping.rule: {rule}")
        agenda.prune(trial.trial_id, past.projected[last], joules=joules)
    elif end is None:
        recorder.lost(configuration, trial, state="stopped", failure="lost with its driver")
        agenda.requeue(trial.trial_id)
    elif end["state"] == "stopped" or last in past.retried:
        agenda.requeue(trial.trial_id)
    elif end["state"] == "pruned":
        agenda.prune(trial.trial_id, past.projected[last], joules=joules)
    elif end["state"] == "complete":
        if end["quality"] != "good" and agenda.remeasure(trial.trial_id):
            return
        values = tuple(float(end[one.metric]) for one in agenda.spec.objectives)
        violations = _violations(agenda.spec, end)
        agenda.complete(trial.trial_id, values, violations=violations, joules=joules)
    else:
        trial.failures -= 1
        agenda.fail(trial.trial_id, retryable=False, joules=joules)


def _violations(spec: StudySpec, row: Row) -> tuple[float, ...]:
    values = ((one, row.get(one.metric)) for one in spec.constraints)
    return tuple(one.violation(math.nan if v is None else float(v)) for one, v in values)


def _curves(agenda: Agenda, recorder: Recorder, reports: Sequence[Row], past: _Past) -> Curves:
    """Take the last attempts' curves in again, in the order in which their trials ended."""
    curves = Curves(agenda.spec)
    if agenda.spec.stopping.rule == "never":
        return curves
    by_trial: dict[str, list[Row]] = defaultdict(list)
    for row in reports:
        if row["attempt"] == agenda.trial(row["trial_id"]).attempt:
            by_trial[row["trial_id"]].append(row)
    last = {
        trial.trial_id: past.ends.get((trial.trial_id, trial.attempt)) for trial in agenda.trials()
    }
    ended = [(end["time"], trial_id, end) for trial_id, end in last.items() if end is not None]
    for _, trial_id, end in sorted(ended, key=lambda one: one[:2]):
        state = _CURVES.get(end["state"])
        for row in sorted(by_trial[trial_id], key=lambda r: int(r["epoch"])):
            spent = recorder.energies_at(trial_id, row["epoch"])
            curves.report(trial_id, row["epoch"], {**row, **spent})
        parameters = agenda.configuration_of(agenda.trial(trial_id)).parameters
        curves.end(trial_id, parameters, state)
    return curves


def _growth(agenda: Agenda, events: Sequence[Row], past: _Past) -> Growth:
    """Let the front grow again, in the order in which configurations were measured."""
    growth = Growth(agenda.spec)
    for row in events:
        if row["kind"] == "reference_point":
            growth.reference = json.loads(row["details"])
    spent = 0.0
    for row in sorted(past.ends.values(), key=lambda end: end["time"]):
        trial = agenda.trial(row["trial_id"])
        spent += row.get("energy_joules") or 0.0
        if trial.state == "complete" and trial.attempt == row["attempt"]:
            growth.learn(agenda.configuration_of(trial), spent)
    return growth


def _elapsed(trials: Sequence[Row], events: Sequence[Row]) -> float:
    """Add up the spans from each driver's start to the last thing it wrote."""
    begins = sorted(row["time"] for row in events if row["kind"] == "study_started")
    written = sorted(row["time"] for row in (*trials, *events))
    total = 0.0
    for begin, following in pairwise([*begins, float("inf")]):
        total += max(time for time in written if begin <= time < following) - begin
    return total
