"""Rebuild a study's plan and the recorder's memory from its store: the whole of resume.

Nothing but the store's tables is read: no sampler state, no experiment file of Ray's. Attempts
that were lost with their driver get an end row here, so that every reader sees what became of
them, and run again before anything new is proposed.
"""

from __future__ import annotations

import json
import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import Billed, StudyBill
from joulefront.launch.curves import Curves, State
from joulefront.launch.growth import Growth
from joulefront.launch.past import Key, Past, Row, number_of
from joulefront.launch.plan import TrialPlan
from joulefront.launch.recorder import Recorder
from joulefront.search.random_search import completed
from joulefront.spec import StudySpec
from joulefront.store import StudyStore
from joulefront.trial.messages import ChargeRow

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


def restore(agenda: Agenda, recorder: Recorder, store: StudyStore) -> Restored:
    """Bring a new agenda and recorder to where the store says the study stands.

    Args:
        agenda: Empty, of the same spec.
        recorder: Whose writer will go on with the study.
        store: The study so far; what damage has taken from it is gone around.
    """
    past = Past(store, agenda.spec)
    _add_configurations(agenda, past)
    recorder.spent_joules = past.spent_joules
    begun = [trial for trial in agenda.trials() if trial.attempt]
    for trial in begun:
        _adopt(recorder, trial, past)
    lost = [(t.trial_id, t.attempt) for t in begun if _is_lost((t.trial_id, t.attempt), past)]
    billed = StudyBill(store=store).attempts(lost)
    for trial in begun:
        _settle(agenda, recorder, trial, past, billed)
    agenda.give_hope()
    curves = _curves(agenda, recorder, past)
    for trial in begun:
        if trial.state in ("complete", "pruned", "failed"):
            recorder.forget(trial.trial_id)
    return Restored(elapsed_seconds=_elapsed(past), curves=curves, growth=_growth(agenda, past))


def _add_configurations(agenda: Agenda, past: Past) -> None:
    """Repeat the recorded proposals and replicates; count the attempts of each trial."""
    spec = agenda.spec
    for row in past.starts:
        number = number_of(row)
        while number > len(agenda.configurations):  # all rows of those between are lost
            index = len(agenda.configurations)
            drawn = completed(spec.space, {}, seed=spec.search.seed, index=index)
            agenda.add(drawn, {}, proposal_index=index)
        if number == len(agenda.configurations):
            agenda.add(
                past.parameters(row),
                json.loads(row["sampler_attributes"] or "{}"),
                proposal_index=row["proposal_index"],
                role="enqueued" if row["role"] == "enqueued" else "search",
            )
        configuration = agenda.configurations[number]
        known = {trial.trial_id for trial in configuration.trials}
        if row["trial_id"] not in known and spec.replicates.allocate == "all":
            agenda.replicate(configuration, row["proposal_index"])
        elif row["trial_id"] not in known:
            place = (row["fold"], row["seed"] - spec.search.seed)
            agenda.add_trial(configuration, *place, "replicate", row["proposal_index"])
    for trial in agenda.trials():
        trial.attempt = past.attempts.get(trial.trial_id, 0)


def _adopt(recorder: Recorder, trial: TrialPlan, past: Past) -> None:
    attempts = past.energy(trial.trial_id)
    written = past.was_charged((trial.trial_id, trial.attempt))
    recorder.adopt(trial.trial_id, attempts, None if written else _charges(attempts[-1].total))


def _is_lost(key: Key, past: Past) -> bool:
    """Return whether an attempt has neither an end nor an event that says how it was to end."""
    return key not in past.ends and key not in past.projected


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


def _settle(
    agenda: Agenda,
    recorder: Recorder,
    trial: TrialPlan,
    past: Past,
    billed: Mapping[Key, Billed],
) -> None:
    """Give one trial the state that its rows tell."""
    keys = [(trial.trial_id, attempt) for attempt in range(1, trial.attempt + 1)]
    states = {key[1]: past.ends[key]["state"] for key in keys if key in past.ends}
    trial.failures = sum(state == "failed" for state in states.values())
    trial.memory_failures = past.starved[trial.trial_id]
    trial.nodes_lost = past.nodes_lost[trial.trial_id]
    trial.discarded = [n for n in states if n < trial.attempt and states[n] == "complete"]
    end, last = past.ends.get(keys[-1]), keys[-1]
    configuration = agenda.configuration_of(trial)
    joules = recorder.spent_on(trial.trial_id)
    if end is None and last in past.projected:  # it was told to stop, and the driver died
        rule = agenda.spec.stopping.rule
        recorder.cut(configuration, trial, state="pruned", reason=f"stopping.rule: {rule}")
        agenda.prune(trial.trial_id, past.projected[last], joules=joules)
    elif end is None:
        reason = "lost with its driver"
        recorder.lost(configuration, trial, state="stopped", failure=reason, billed=billed[last])
        agenda.requeue(trial.trial_id)
    elif end["state"] == "stopped":
        agenda.requeue(trial.trial_id)
    elif last in past.retried:
        agenda.retry(trial.trial_id)
    elif end["state"] == "pruned":
        unknown = (math.nan,) * len(agenda.spec.objectives)
        agenda.prune(trial.trial_id, past.projected.get(last, unknown), joules=joules)
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


def _curves(agenda: Agenda, recorder: Recorder, past: Past) -> Curves:
    """Take the last attempts' curves in again, in the order in which their trials ended."""
    curves = Curves(agenda.spec)
    if agenda.spec.stopping.rule == "never":
        return curves
    last = {t.trial_id: past.ends.get((t.trial_id, t.attempt)) for t in agenda.trials()}
    ended = [(end["time"], trial_id, end) for trial_id, end in last.items() if end is not None]
    for _, trial_id, end in sorted(ended, key=lambda one: one[:2]):
        trial = agenda.trial(trial_id)
        for row in past.reports(trial_id, trial.attempt):
            spent = recorder.energies_at(trial_id, row["epoch"])
            curves.report(trial_id, row["epoch"], {**row, **spent})
        parameters = agenda.configuration_of(trial).parameters
        curves.end(trial_id, parameters, _CURVES.get(end["state"]))
    return curves


def _growth(agenda: Agenda, past: Past) -> Growth:
    """Let the front grow again, in the order in which configurations were measured."""
    growth = Growth(agenda.spec)
    for row in past.events:
        if row["kind"] == "reference_point":
            growth.reference = json.loads(row["details"])
    spent = 0.0
    for row in sorted(past.ends.values(), key=lambda end: end["time"]):
        trial = agenda.trial(row["trial_id"])
        spent += row["energy_joules"] or 0.0
        if trial.state == "complete" and trial.attempt == row["attempt"]:
            growth.learn(agenda.configuration_of(trial), spent)
    return growth


def _elapsed(past: Past) -> float:
    """Add up the spans from each driver's start to the last thing it wrote."""
    begins = sorted(row["time"] for row in past.events if row["kind"] == "study_started")
    written = sorted(past.times)
    total = 0.0
    for begin, following in pairwise([*begins, float("inf")]):
        total += written[bisect_left(written, following) - 1] - begin
    return total
