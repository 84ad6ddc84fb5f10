"""What the sampler sees of a study: one observation a configuration, rebuilt only if changed."""

from __future__ import annotations

import math
from collections.abc import Sequence

from joulefront.launch.plan import Configuration
from joulefront.search import Observation
from joulefront.search.observation import State
from joulefront.spec import StudySpec

PROPOSAL_JOULES = "joulefront:proposal_joules"
"""Attribute of a configuration: what the search spent on proposing it."""


class Observations:
    """The history of one study, kept up to date.

    What trials have spent is told only where energy is an objective: it is measured, and would make
    the proposals of a study with deterministic objectives differ from run to run.

    Args:
        spec: The study.
        prior: Observations of other studies, which come first.
    """

    def __init__(self, spec: StudySpec, prior: Sequence[Observation] = ()) -> None:
        self._spec = spec
        self._prior = list(prior)
        self._known: list[Observation] = []
        self._changed: set[int] = set()

    def changed(self, configuration: Configuration) -> None:
        """Note that a configuration is new, or that something was learned of it."""
        self._changed.add(configuration.index)

    def history(self, configurations: Sequence[Configuration]) -> tuple[Observation, ...]:
        """Return all observations, those of other studies first."""
        for index in sorted(self._changed):
            observation = self._observe(configurations[index])
            self._known[index : index + 1] = [observation]
        self._changed.clear()
        return (*self._prior, *self._known)

    def _observe(self, configuration: Configuration) -> Observation:
        trials = configuration.trials
        complete = [trial for trial in trials if trial.state == "complete"]
        state, values = self._state(configuration)
        begun = [trial for trial in trials if trial.joules > 0 and self._spec.about_energy]
        attributes = configuration.attributes
        return Observation(
            index=configuration.proposal_index,
            params=configuration.parameters,
            values=values,
            state=state,
            attributes=attributes,
            constraints=_means([trial.violations for trial in complete]) if complete else (),
            joules=math.fsum(trial.joules for trial in begun) if begun else math.nan,
            trials=max(1, len(begun)),
            proposal_joules=float(attributes.get(PROPOSAL_JOULES, math.nan)),
        )

    def _state(self, configuration: Configuration) -> tuple[State, tuple[float, ...] | None]:
        trials = configuration.trials
        measured = mean_objectives(configuration, self._spec)
        if measured is not None:
            return "complete", measured
        pruned = [trial.values for trial in trials if trial.state == "pruned"]
        if pruned:
            values = pruned[0]
            known = values is not None and all(map(math.isfinite, values))
            return ("stopped", values) if known else ("failed", None)
        lost = any(trial.state in ("failed", "stopped") for trial in trials)
        return ("failed", None) if lost else ("running", None)


def is_measured(configuration: Configuration, spec: StudySpec) -> bool:
    """Return whether as many of its trials are complete as the study asks of each configuration."""
    complete = sum(trial.state == "complete" for trial in configuration.trials)
    return complete >= required_replicates(spec)


def required_replicates(spec: StudySpec) -> int:
    """Return how many complete trials measure a configuration."""
    replicates = spec.replicates
    return replicates.folds * replicates.seeds if replicates.allocate == "all" else 1


def mean_objectives(configuration: Configuration, spec: StudySpec) -> tuple[float, ...] | None:
    """Return the means over its complete trials, minimised; None if it is not fully measured."""
    if not is_measured(configuration, spec):
        return None
    rows = [t.values for t in configuration.trials if t.state == "complete" and t.values]
    return tuple(o.sign * v for o, v in zip(spec.objectives, _means(rows), strict=True))


def is_feasible(configuration: Configuration) -> bool:
    """Return whether the means over its complete trials meet the study's constraints."""
    rows = [t.violations for t in configuration.trials if t.state == "complete"]
    return all(violation <= 0 for violation in _means(rows))


def _means(rows: Sequence[Sequence[float]]) -> tuple[float, ...]:
    return tuple(math.fsum(column) / len(rows) for column in zip(*rows, strict=True))
