"""What has run, what runs, and what is next: the study's plan, without Ray and without a disk.

The agenda turns a history into assignments: first what has to run again, then the replicates of
the current configuration, then a new proposal. It is rebuilt from the store's rows on resume, and
because a proposal is a pure function of that history, an interrupted study goes on as if nothing
had happened. It neither stores anything nor knows how a trial is carried out.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from joulefront.search import Observation, SpaceExhausted, propose
from joulefront.spec import Choice, Parameter, StudySpec
from joulefront.trial import Assignment

TrialState = Literal["queued", "running", "complete", "failed"]

MOST_REMEASUREMENTS = 2
"""How often a trial whose charge is degraded is measured again, where quality is strict."""


@dataclass(slots=True)
class TrialPlan:
    """One trial of a configuration.

    Attributes:
        values: Objectives as measured, in the study's order and directions.
        attempt: Of the last try; 0 before the first.
        failures: Attempts that failed by themselves; those lost with a driver do not count.
        discarded: Attempts that were complete, but measured so badly that they were repeated.
    """

    trial_id: str
    config_id: str
    fold: int
    seed: int
    role: Literal["search", "replicate"]
    state: TrialState = "queued"
    attempt: int = 0
    failures: int = 0
    discarded: list[int] = field(default_factory=list)
    values: tuple[float, ...] | None = None


@dataclass(slots=True)
class Configuration:
    """One proposal and the trials that measure it.

    Attributes:
        index: Of the proposal, from 0.
        parameters: What was proposed.
        attributes: What the sampler wants to see again with it.
        trials: In the order in which they run.
        columns: The parameters as one column each can hold them: text where a choice mixes types.
    """

    index: int
    parameters: Mapping[str, Any]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    trials: list[TrialPlan] = field(default_factory=list)
    columns: Mapping[str, Any] = field(default_factory=dict)

    @property
    def config_id(self) -> str:
        """Name of the configuration, such as "c0007"."""
        return f"c{self.index:04d}"


class Agenda:
    """The plan of one study.

    Args:
        spec: What the study is.
    """

    def __init__(self, spec: StudySpec) -> None:
        self.spec = spec
        self.configurations: list[Configuration] = []
        self.end_reason: str | None = None
        self._trials: dict[str, TrialPlan] = {}
        self._counts: Counter[TrialState] = Counter()
        self._again: deque[TrialPlan] = deque()
        self._fresh: deque[TrialPlan] = deque()

    def trial(self, trial_id: str) -> TrialPlan:
        """Return the plan of a trial that was handed out."""
        return self._trials[trial_id]

    def trials(self) -> Iterable[TrialPlan]:
        """Return all trials in the order of their configurations."""
        return self._trials.values()

    def count(self, state: TrialState) -> int:
        """Return how many trials are in a state."""
        return self._counts[state]

    @property
    def finished(self) -> bool:
        """Whether nothing runs and nothing is left to run."""
        return self.end_reason is not None and not (self.count("running") or self.count("queued"))

    def next_trial(self) -> TrialPlan | None:
        """Hand out the next trial, now running as one attempt more, or None if there is none."""
        if not self.count("queued") and self.end_reason is None:
            self._propose()
        trial = self._take()
        if trial is None:
            return None
        self._move(trial, "running")
        trial.attempt += 1
        return trial

    def complete(self, trial_id: str, values: tuple[float, ...]) -> None:
        """Count a trial as fully measured."""
        trial = self._trials[trial_id]
        trial.values = values
        self._move(trial, "complete")

    def fail(self, trial_id: str, *, retryable: bool) -> bool:
        """Count a failure; return whether the trial will be tried again.

        A configuration that has lost a trial for good can be no member of the front, so its
        replicates that have not begun are given up.
        """
        trial = self._trials[trial_id]
        trial.failures += 1
        if retryable and trial.failures <= self.spec.per_trial.max_failures:
            self.requeue(trial_id)
            return True
        self._move(trial, "failed")
        for sibling in self.configuration_of(trial).trials:
            if sibling.state == "queued" and sibling.attempt == 0:
                self._move(sibling, "failed")
        return False

    def remeasure(self, trial_id: str) -> bool:
        """Run a complete trial, whose charge is degraded, again from scratch; return whether.

        That is, where the study's quality is strict and it was not done often enough already.
        """
        trial = self._trials[trial_id]
        strict = self.spec.energy.quality == "strict"
        if not strict or len(trial.discarded) >= MOST_REMEASUREMENTS:
            return False
        trial.discarded.append(trial.attempt)
        self.requeue(trial_id)
        return True

    def requeue(self, trial_id: str) -> None:
        """Run a trial again before anything new, without counting a failure."""
        trial = self._trials[trial_id]
        self._move(trial, "queued")
        self._again.append(trial)

    def end(self, reason: str) -> None:
        """Propose nothing any more; what has been proposed is still measured."""
        self.end_reason = self.end_reason or reason

    def assignment(self, trial: TrialPlan) -> Assignment:
        """Return what a worker is told, without store, power model and checkpoint."""
        spec = self.spec
        return Assignment(
            trainable=spec.trainable,
            trial_id=trial.trial_id,
            config_id=trial.config_id,
            attempt=trial.attempt,
            role=trial.role,
            fold=trial.fold,
            seed=trial.seed,
            parameters=dict(spec.fixed) | dict(self.configuration_of(trial).parameters),
            data=spec.data,
            objectives=tuple(objective.metric for objective in spec.objectives),
            workers=spec.per_trial.workers,
            cpus=spec.per_trial.cpus,
            gpus=spec.per_trial.gpus,
            allow_shared_gpu=spec.energy.allow_shared_gpu,
        )

    def configuration_of(self, trial: TrialPlan) -> Configuration:
        """Return the configuration that a trial measures."""
        return self.configurations[int(trial.config_id[1:])]

    def add(self, parameters: Mapping[str, Any], attributes: Mapping[str, Any]) -> Configuration:
        """Append a configuration and its trials, in the order in which they will run."""
        configuration = Configuration(
            index=len(self.configurations),
            parameters=parameters,
            attributes=attributes,
            columns={name: _column(self.spec.space[name], v) for name, v in parameters.items()},
        )
        for number, (fold, seed) in enumerate(_replicates(self.spec)):
            trial = TrialPlan(
                trial_id=f"{configuration.config_id}-f{fold}-s{seed}",
                config_id=configuration.config_id,
                fold=fold,
                seed=self.spec.search.seed + seed,
                role="replicate" if number else "search",
            )
            configuration.trials.append(trial)
            self._trials[trial.trial_id] = trial
            self._counts["queued"] += 1
            self._fresh.append(trial)
        self.configurations.append(configuration)
        return configuration

    def history(self) -> list[Observation]:
        """Return what the sampler sees: one observation a configuration, objectives minimised."""
        return [self._observe(configuration) for configuration in self.configurations]

    def _observe(self, configuration: Configuration) -> Observation:
        values: tuple[float, ...] | None = None
        state: Literal["complete", "running", "failed"] = "running"
        measured = [trial.values for trial in configuration.trials if trial.values is not None]
        if any(trial.state == "failed" for trial in configuration.trials):
            state = "failed"
        elif len(measured) == len(configuration.trials):
            state = "complete"
            signs = [objective.sign for objective in self.spec.objectives]
            values = tuple(
                sign * math.fsum(column) / len(measured)
                for sign, column in zip(signs, zip(*measured, strict=True), strict=True)
            )
        return Observation(
            index=configuration.index,
            params=configuration.parameters,
            values=values,
            state=state,
            attributes=configuration.attributes,
        )

    def _propose(self) -> None:
        budget = self.spec.budget.trials
        if budget is not None and len(self.configurations) >= budget:
            self.end(f"budget.trials: {budget} configurations")
            return
        try:
            proposal = propose(
                self.spec.space,
                len(self.spec.objectives),
                sampler=self.spec.search.sampler,
                seed=self.spec.search.seed,
                index=len(self.configurations),
                history=self.history(),
            )
        except SpaceExhausted:
            self.end("search.sampler: the grid is exhausted")
            return
        self.add(proposal.params, proposal.attributes)

    def _move(self, trial: TrialPlan, state: TrialState) -> None:
        self._counts[trial.state] -= 1
        self._counts[state] += 1
        trial.state = state

    def _take(self) -> TrialPlan | None:
        for waiting in (self._again, self._fresh):
            while waiting:
                trial = waiting.popleft()
                if trial.state == "queued":
                    return trial
        return None


def _column(parameter: Parameter, value: Any) -> Any:
    mixed = isinstance(parameter, Choice) and len({type(o) for o in parameter.options}) > 1
    return str(value) if mixed else value


def _replicates(spec: StudySpec) -> list[tuple[int, int]]:
    """Return (fold, seed number) of each trial of a configuration."""
    replicates = spec.replicates
    if replicates.allocate == "none":
        return [(0, 0)]
    return [(fold, seed) for seed in range(replicates.seeds) for fold in range(replicates.folds)]
