"""The configurations of a study and their trials, with what has become of each.

Trials are planned here, one for each fold and seed number that is asked for; which of them runs
next is the agenda's affair.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from joulefront.launch.observations import Observations, is_measured, required_replicates
from joulefront.launch.plan import Configuration, Role, TrialPlan, TrialState, column, key_of
from joulefront.search import Observation
from joulefront.spec import StudySpec


class Roster:
    """All that has been planned in one study.

    Args:
        spec: What the study is.
        prior: What the search knows from other studies.
    """

    def __init__(self, spec: StudySpec, prior: Sequence[Observation] = ()) -> None:
        self.spec = spec
        self.configurations: list[Configuration] = []
        self.proposals = 0
        self._observations = Observations(spec, prior)
        self._by_parameters: dict[str, Configuration] = {}
        self._trials: dict[str, TrialPlan] = {}
        self._counts: Counter[TrialState] = Counter()
        self._fresh: deque[TrialPlan] = deque()

    def trial(self, trial_id: str) -> TrialPlan:
        """Return the plan of a trial that was handed out."""
        return self._trials[trial_id]

    def trials(self) -> Iterable[TrialPlan]:
        """Return all trials in the order in which they were planned."""
        return self._trials.values()

    def count(self, state: TrialState) -> int:
        """Return how many trials are in a state."""
        return self._counts[state]

    @property
    def failed_configurations(self) -> int:
        """How many configurations have lost a trial that ran; replicates given up do not count."""
        return sum(
            any(trial.state == "failed" and trial.attempt for trial in configuration.trials)
            for configuration in self.configurations
        )

    def configuration_of(self, trial: TrialPlan) -> Configuration:
        """Return the configuration that a trial measures."""
        return self.configurations[int(trial.config_id[1:])]

    def add(
        self,
        parameters: Mapping[str, Any],
        attributes: Mapping[str, Any],
        *,
        proposal_index: int | None = None,
        role: Role = "search",
    ) -> Configuration:
        """Append a configuration and the trials that measure it, in the order of their running."""
        index = self.proposals if proposal_index is None else proposal_index
        configuration = Configuration(
            index=len(self.configurations),
            proposal_index=index,
            parameters=parameters,
            attributes=attributes,
            columns={name: column(self.spec.space[name], v) for name, v in parameters.items()},
        )
        self.configurations.append(configuration)
        self._by_parameters[key_of(parameters)] = configuration
        self.proposals = max(self.proposals, index + 1)
        for number in range(required_replicates(self.spec)):
            self.add_trial(
                configuration, *self._place(number), role if number == 0 else "replicate"
            )
        return configuration

    def add_trial(
        self,
        configuration: Configuration,
        fold: int,
        seed: int,
        role: Role,
        proposal_index: int | None = None,
    ) -> TrialPlan:
        """Plan one trial more of a configuration, the one of that fold and seed number."""
        index = configuration.proposal_index if proposal_index is None else proposal_index
        trial = TrialPlan(
            trial_id=f"{configuration.config_id}-f{fold}-s{seed}",
            config_id=configuration.config_id,
            fold=fold,
            seed=self.spec.search.seed + seed,
            role=role,
            proposal_index=index,
        )
        self.proposals = max(self.proposals, index + 1)
        configuration.trials.append(trial)
        self._trials[trial.trial_id] = trial
        self._counts["queued"] += 1
        self._fresh.append(trial)
        self._observations.changed(configuration)
        return trial

    def replicate(self, configuration: Configuration, proposal_index: int) -> None:
        """Plan a known configuration that was proposed again: once, or on all folds of `all`."""
        replicates = self.spec.replicates
        each = replicates.folds if replicates.allocate == "all" else 1
        for _ in range(each):
            place = self._place(len(configuration.trials))
            self.add_trial(configuration, *place, "replicate", proposal_index)

    def history(self) -> tuple[Observation, ...]:
        """Return what the sampler sees: one observation a configuration, objectives minimised."""
        return self._observations.history(self.configurations)

    def _place(self, number: int) -> tuple[int, int]:
        """Return fold and seed number of a configuration's trial: all folds, then the next seed."""
        replicates = self.spec.replicates
        folds = 1 if replicates.allocate == "none" else replicates.folds
        return number % folds, number // folds

    def _give_up_siblings(self, trial: TrialPlan) -> None:
        configuration = self.configuration_of(trial)
        if is_measured(configuration, self.spec):
            return
        for sibling in configuration.trials:
            if sibling.state == "queued" and sibling.attempt == 0:
                self._move(sibling, "failed")

    def _move(self, trial: TrialPlan, state: TrialState) -> None:
        self._counts[trial.state] -= 1
        self._counts[state] += 1
        trial.state = state
        self._observations.changed(self.configuration_of(trial))
