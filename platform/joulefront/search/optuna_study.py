"""An Optuna study rebuilt from the history for one proposal, then thrown away.

Optuna sees every parameter under an encoding of its own (`_distribution`), so that options of any
type and steps that are not exact in binary survive the way there and back. Which sampler is asked
is the caller's affair.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import optuna
from optuna import distributions as kinds
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from joulefront.search.observation import History, Observation, Proposal, Space
from joulefront.spec.space import Choice, Float, Int, Parameter


def ask(
    sampler: optuna.samplers.BaseSampler, space: Space, objectives_count: int, history: History
) -> Proposal:
    """Ask a fresh sampler for the configuration that follows `history`.

    Args:
        sampler: Seeded for this proposal and used for no other.
        space: Parameters by name; their order does not matter to the sampler.
        objectives_count: How many values a complete observation has; all are minimised.
        history: Ordered by index. A complete observation without finite values is told as failed.
    """
    distributions = {name: _distribution(space[name]) for name in sorted(space)}
    with _quiet():
        study = optuna.create_study(directions=["minimize"] * objectives_count, sampler=sampler)
        study.add_trials([_trial(observation, space, distributions) for observation in history])
        asked = study.ask(distributions)
        stored = study.get_trials(deepcopy=False)[asked.number]
    return Proposal(
        params={name: _decode(space[name], stored.params[name]) for name in space},
        attributes=dict(stored.system_attrs),
    )


def _trial(
    observation: Observation, space: Space, distributions: dict[str, BaseDistribution]
) -> FrozenTrial:
    state = _state(observation)
    return optuna.trial.create_trial(
        state=state,
        params={name: _encode(space[name], observation.params[name]) for name in distributions},
        distributions=distributions,
        values=observation.values if state is TrialState.COMPLETE else None,
        system_attrs=dict(observation.attributes),
    )


def _state(observation: Observation) -> TrialState:
    if observation.state == "running":
        return TrialState.RUNNING
    values = observation.values
    if observation.state == "failed" or values is None or not all(map(math.isfinite, values)):
        return TrialState.FAIL
    return TrialState.COMPLETE


def _distribution(parameter: Parameter) -> BaseDistribution:
    """Return what Optuna searches: an option's position, a stepped real's number of steps."""
    if isinstance(parameter, Choice):
        return kinds.CategoricalDistribution(tuple(range(len(parameter.options))))
    if isinstance(parameter, Int):
        step = parameter.step or 1
        return kinds.IntDistribution(parameter.low, parameter.high, log=parameter.log, step=step)
    if parameter.step is not None:
        return kinds.IntDistribution(0, round((parameter.high - parameter.low) / parameter.step))
    return kinds.FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _encode(parameter: Parameter, value: Any) -> Any:
    if isinstance(parameter, Choice):
        return parameter.options.index(value)
    if isinstance(parameter, Float) and parameter.step is not None:
        return round((value - parameter.low) / parameter.step)
    return value


def _decode(parameter: Parameter, value: Any) -> Any:
    if isinstance(parameter, Choice):
        return parameter.options[value]
    if isinstance(parameter, Float):
        if parameter.step is not None:
            value = parameter.low + value * parameter.step
        return min(max(value, parameter.low), parameter.high)
    return value


@contextmanager
def _quiet() -> Iterator[None]:
    """Hold Optuna's logger at errors, and leave it as it was found.

    It would report every study that is rebuilt, and that greenlet is not installed.
    """
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
