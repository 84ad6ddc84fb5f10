"""How far a study has come, in numbers and sentences, for `study status`, tables and the page."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from joulefront.energy import emissions_grams
from joulefront.results.accounting import SHARED
from joulefront.results.configurations import (
    DEGRADED,
    STANDARD_ERROR,
    column_of,
    replicates_requested,
)
from joulefront.results.study import Study
from joulefront.results.units import energy_text, estimate_text, number_text, readable

MARK = "*"
_MANY_DEGRADED = 0.2  # of the complete trials
STATES = ("complete", "running", "pruned", "failed", "stopped")
Phase = Literal["finished", "interrupted", "unfinished"]
_PHASES: dict[str, Phase] = {
    "study_started": "unfinished",
    "study_interrupted": "interrupted",
    "study_finished": "finished",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """One study at one moment."""

    states: Mapping[str, int]  # number of trials by state, for the states that occur
    trials_ended: int  # those that do not run
    trials_requested: int | None  # of the whole budget; None where that is not known beforehand
    configurations: int  # proposed so far
    fully_measured: int  # configurations whose every replicate is complete
    infeasible: int  # of the fully measured, those that miss a constraint
    members: int  # configurations on the front
    energy_joules: float  # spent on all attempts: cpu, gpu, set-up and inference probes
    search_joules: float | None  # by the search itself; None without a ledger
    energy_by_component: Mapping[str, float]  # of all attempts, also ram and idle
    provenance: str  # how the energy of the front was measured
    phase: Phase  # "unfinished" runs now or was killed: the store cannot tell
    reason: str  # why it finished, "" while it has not
    ended_by: str  # the budget that ended it, such as "budget.trials"; "" where it is not known
    last_row_time: float | None  # seconds since 1970

    @property
    def end(self) -> str:
        """What ended the study and why, such as "budget.trials: 40 of 40"; "" while it has not."""
        if self.reason.startswith(self.ended_by):
            return self.reason
        return f"{self.ended_by}: {self.reason}" if self.reason else self.ended_by


def summarise(study: Study) -> Summary:
    """Count what a study has done."""
    trials, configurations, events = study.trials(), study.configurations(), study.events()
    counts = trials["state"].value_counts()
    states = {state: int(counts[state]) for state in STATES if state in counts.index}
    raced = study.spec.replicates.allocate == "front"
    budget = None if raced else study.spec.budget.trials
    lifecycle = events[events["kind"].isin(list(_PHASES))].to_dict("records")
    last = lifecycle[-1] if lifecycle else {"kind": "study_started"}
    phase = _PHASES[last["kind"]]
    details = json.loads(last.get("details") or "{}") if phase == "finished" else {}
    charged = study.energy().groupby("component")["joules"].sum()
    search = study.bill()["total_joules"]["search itself"]
    times = [frame["time"].max() for frame in (trials, events, study.reports()) if len(frame)]
    return Summary(
        states=states,
        trials_ended=sum(number for state, number in states.items() if state != "running"),
        trials_requested=None if budget is None else budget * replicates_requested(study.spec),
        configurations=len(configurations),
        fully_measured=int(configurations["fully_measured"].sum()),
        infeasible=int((configurations["fully_measured"] & ~configurations["feasible"]).sum()),
        members=int(configurations["on_front"].sum()),
        energy_joules=study.energy_spent(),
        search_joules=None if math.isnan(search) else search,
        energy_by_component={str(name): float(joules) for name, joules in charged.items()},
        provenance=study.provenance(),
        phase=phase,
        reason=str(details.get("reason", "")),
        ended_by=str(details.get("ended_by") or ""),
        last_row_time=max(times, default=None),
    )


def headlines(study: Study) -> list[str]:
    """What was run, what it cost, and how far it can be trusted, in a few sentences."""
    summary = summarise(study)
    states = ", ".join(f"{number} {state}" for state, number in summary.states.items())
    spent = energy_text(summary.energy_joules)
    if summary.search_joules is not None:
        spent += f", and {energy_text(summary.search_joules)} by the search itself"
    provenance = f"provenance: {summary.provenance}" if summary.provenance else "not recorded"
    return [
        f"{study.name}: {summary.members} {'member' if summary.members == 1 else 'members'} of the"
        f" front, of {summary.fully_measured} fully measured configurations"
        f" ({summary.configurations} proposed)",
        f"trials: {sum(summary.states.values())} ({states or 'none'})",
        "objectives: " + ", ".join(f"{o.direction} {o.metric}" for o in study.objectives),
        f"energy spent: {spent}; {provenance}",
        *emissions_sentence(study, summary.energy_joules),
        *([f"ended by {summary.end}"] if summary.end else []),
        *_infeasible(study),
        *_shared(summary.provenance),
        *_not_competing(study.configurations()),
        *_degraded(study.trials()),
    ]


def emissions_sentence(study: Study, joules: float) -> list[str]:
    """Say what energy emits, where the study names a country or an intensity; else nothing."""
    intensity = study.header.get("grid_intensity_grams_per_kwh")
    if intensity is None:
        return []
    given = study.spec.energy.grams_per_kwh is not None
    source = "given in the study file" if given else study.spec.energy.country
    grams = number_text(emissions_grams(joules, intensity), 3)
    return [f"emissions: {grams} g CO2e at {intensity:.0f} g/kWh ({source})"]


def degraded_note(front: pd.DataFrame) -> str:
    """Say why members are marked with MARK, by reason; "" if none is."""
    degraded = front[front["quality"] == DEGRADED]
    members: dict[str, list[str]] = {}
    for config, reasons in zip(degraded["config_id"], degraded["quality_reasons"], strict=True):
        for reason in dict.fromkeys(_kinds(reasons)):
            members.setdefault(reason, []).append(config)
    told = "; ".join(f"{reason} ({', '.join(found)})" for reason, found in members.items())
    return f"{MARK} energy is degraded: {told}" if told else ""


def marked(front: pd.DataFrame) -> pd.Series[str]:
    """The members' names, of those that rest on degraded trials with MARK behind."""
    return front["config_id"] + front["quality"].map({DEGRADED: MARK}).fillna("")


def member_columns(study: Study, front: pd.DataFrame) -> dict[str, list[str]]:
    """The members in words, by label: name, objectives with errors, probability and replicates."""
    columns = {"member": marked(front).tolist()}
    for objective in study.objectives:
        label, factor = readable(objective.metric, float(front[objective.metric].abs().max()))
        means = front[objective.metric] * factor
        errors = front[objective.metric + STANDARD_ERROR] * factor
        columns[label] = [estimate_text(m, e) for m, e in zip(means, errors, strict=True)]
    if front["membership"].notna().any():
        columns["P(front)"] = [f"{probability:.2f}" for probability in front["membership"]]
    return columns | {"n": front["replicates"].astype(str).tolist()}


def _shared(provenance: str) -> list[str]:
    if SHARED not in provenance:
        return []
    return ["GPU energy is charged by the reserved share of GPUs that others may have used too"]


def _infeasible(study: Study) -> list[str]:
    """Say how many fully measured configurations miss a constraint, and how many each."""
    configurations = study.configurations()
    measured = configurations[configurations["fully_measured"]]
    missed = (~measured["feasible"]).sum()
    if not missed:
        return []
    told = []
    for constraint in study.spec.constraints:
        values = column_of(measured, constraint.metric)
        told.append(f"{constraint}: {sum(constraint.violation(value) > 0 for value in values)}")
    return [
        f"infeasible: {missed} of the configurations, kept off the front; missed {', '.join(told)}"
    ]


def _not_competing(configurations: pd.DataFrame) -> list[str]:
    """Say how many fully measured feasible configurations do not compete, and why."""
    measured = configurations[configurations["fully_measured"] & configurations["feasible"]]
    if measured["competes"].all():
        return []
    common = measured[measured["competes"]].iloc[0]
    otherwise = measured["provenance"] != common["provenance"]
    sentences = []
    if otherwise.any():
        sentences.append(
            f"not competing: {otherwise.sum()} of the configurations, whose energy was measured in"
            " another way"
        )
    classes = measured.loc[~otherwise & ~measured["competes"], "node_class"].value_counts()
    if len(classes):
        told = "; ".join(f"{name or 'unknown'}: {number}" for name, number in classes.items())
        sentences.append(
            f"not competing: {classes.sum()} of the configurations, which ran on another class of"
            f" node ({told}) than the front ({common['node_class']})"
        )
    return sentences


def _degraded(trials: pd.DataFrame) -> list[str]:
    """Say why, if the energy of more than a fifth of the complete trials is degraded."""
    complete = trials[trials["state"] == "complete"]
    degraded = complete[complete["quality"] == DEGRADED]
    if len(degraded) <= _MANY_DEGRADED * len(complete):
        return []
    reasons = degraded["quality_reasons"].fillna("").map(lambda text: list(set(_kinds(text))))
    counts = reasons.explode().dropna().value_counts()
    told = ", ".join(f"{reason} {number}" for reason, number in counts.items())
    return [
        f"energy of {len(degraded)} of {len(complete)} complete trials is degraded:"
        f" {told or 'no reason recorded'}"
    ]


def _kinds(reasons: str) -> list[str]:
    """The reasons of a trial without their figures: "run queue" of "run queue 12%"."""
    kinds = (re.sub(r" (\d.*|of no time)$", "", reason) for reason in reasons.split(", "))
    return [kind for kind in kinds if kind]
