"""How far a study has come, in numbers, for `study status`, the table and the front page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from joulefront.results.configurations import comparable, replicates_requested
from joulefront.results.study import Study
from joulefront.results.units import energy_text

_JOULES_PER_KILOWATT_HOUR = 3.6e6
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
    trials_requested: int | None  # of the whole budget; None where it does not count trials
    configurations: int  # proposed so far
    fully_measured: int  # configurations whose every replicate is complete
    members: int  # configurations on the front
    energy_joules: float  # spent on all attempts: cpu, gpu and set-up
    energy_by_component: Mapping[str, float]  # of all attempts, also ram and idle
    provenance: str  # how the energy of the front was measured
    phase: Phase  # "unfinished" runs now or was killed: the store cannot tell
    reason: str  # why it finished, "" while it has not
    last_row_time: float | None  # seconds since 1970


def summarise(study: Study) -> Summary:
    """Count what a study has done."""
    trials, configurations, events = study.trials(), study.configurations(), study.events()
    counts = trials["state"].value_counts()
    states = {state: int(counts[state]) for state in STATES if state in counts.index}
    budget = study.spec.budget.trials
    lifecycle = events[events["kind"].isin(list(_PHASES))].to_dict("records")
    last = lifecycle[-1] if lifecycle else {"kind": "study_started"}
    phase = _PHASES[last["kind"]]
    details = json.loads(last.get("details") or "{}") if phase == "finished" else {}
    bill = study.energy().groupby("component")["joules"].sum()
    times = [frame["time"].max() for frame in (trials, events, study.reports()) if len(frame)]
    return Summary(
        states=states,
        trials_ended=sum(number for state, number in states.items() if state != "running"),
        trials_requested=None if budget is None else budget * replicates_requested(study.spec),
        configurations=len(configurations),
        fully_measured=int(configurations["fully_measured"].sum()),
        members=int(configurations["on_front"].sum()),
        energy_joules=study.energy_spent(),
        energy_by_component={str(name): float(joules) for name, joules in bill.items()},
        provenance=study.provenance(),
        phase=phase,
        reason=str(details.get("reason", "")),
        last_row_time=max(times, default=None),
    )


def headlines(study: Study) -> list[str]:
    """What was run and what it cost, in a few sentences."""
    summary = summarise(study)
    states = ", ".join(f"{number} {state}" for state, number in summary.states.items())
    provenance = f"provenance: {summary.provenance}" if summary.provenance else "not recorded"
    competing = int(comparable(study.configurations(), study.objectives).sum())
    apart = summary.fully_measured - competing
    sentences = [
        f"{study.name}: {summary.members} {'member' if summary.members == 1 else 'members'} of the"
        f" front, of {summary.fully_measured} fully measured configurations"
        f" ({summary.configurations} proposed)",
        f"trials: {sum(summary.states.values())} ({states or 'none'})",
        "objectives: " + ", ".join(f"{o.direction} {o.metric}" for o in study.objectives),
        f"energy spent: {energy_text(summary.energy_joules)}; {provenance}",
        *_emissions(study, summary.energy_joules),
    ]
    if apart:
        sentences.append(
            f"{apart} configurations do not compete: their energy was measured in another way"
        )
    return sentences


def _emissions(study: Study, joules: float) -> list[str]:
    """Say what the spent energy emits, where the study names a country."""
    intensity = study.header.get("grid_intensity_grams_per_kwh")
    if intensity is None:
        return []
    grams = joules / _JOULES_PER_KILOWATT_HOUR * intensity
    country = study.spec.energy.country
    return [f"emissions: {grams:.3g} g CO2e at {intensity:.0f} g/kWh ({country})"]
