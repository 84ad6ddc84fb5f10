"""How far a study has come, in numbers, for `study status`, the table and the front page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from joulefront.results.accounting import bill
from joulefront.results.configurations import replicates_requested
from joulefront.results.study import Study

STATES = ("complete", "running", "pruned", "failed", "stopped")
Phase = Literal["finished", "interrupted", "unfinished"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Summary:
    """One study at one moment.

    Attributes:
        states: Number of trials by state, for the states of `STATES` that occur.
        trials_ended: Trials that do not run.
        trials_requested: Trials of the whole budget, None where it does not count trials.
        configurations: Proposed so far.
        fully_measured: Configurations whose every replicate is complete.
        members: Configurations on the front.
        energy_joules: Spent on all attempts: cpu, gpu and set-up.
        energy_by_component: Joules of all attempts, also of the components that are not counted.
        provenance: How the energy of the front was measured.
        phase: "unfinished" runs now or was killed: the store cannot tell.
        reason: Why it finished, "" while it has not.
        last_row_time: Seconds since 1970 of the newest row, None without rows.
    """

    states: Mapping[str, int]
    trials_ended: int
    trials_requested: int | None
    configurations: int
    fully_measured: int
    members: int
    energy_joules: float
    energy_by_component: Mapping[str, float]
    provenance: str
    phase: Phase
    reason: str
    last_row_time: float | None


def summarise(study: Study) -> Summary:
    """Count what a study has done."""
    trials, configurations = study.trials(), study.configurations()
    counts = trials["state"].value_counts()
    states = {state: int(counts[state]) for state in STATES if state in counts.index}
    budget = study.spec.budget.trials
    phase, reason = _phase(study)
    times = [
        frame["time"].max() for frame in (trials, study.events(), study.reports()) if len(frame)
    ]
    return Summary(
        states=states,
        trials_ended=sum(number for state, number in states.items() if state != "running"),
        trials_requested=None if budget is None else budget * replicates_requested(study.spec),
        configurations=len(configurations),
        fully_measured=int(configurations["fully_measured"].sum()),
        members=int(configurations["on_front"].sum()),
        energy_joules=study.energy_spent(),
        energy_by_component=bill(study.energy()),
        provenance=study.provenance(),
        phase=phase,
        reason=reason,
        last_row_time=max(times, default=None),
    )


def _phase(study: Study) -> tuple[Phase, str]:
    """Read the phase from the last event about the study as a whole."""
    events = study.events()
    lifecycle = events[
        events["kind"].isin(["study_started", "study_interrupted", "study_finished"])
    ]
    if len(lifecycle) == 0:
        return "unfinished", ""
    last = lifecycle.iloc[-1]
    if last["kind"] == "study_finished":
        details = json.loads(last["details"]) if last["details"] else {}
        return "finished", str(details.get("reason", ""))
    return ("interrupted" if last["kind"] == "study_interrupted" else "unfinished"), ""
