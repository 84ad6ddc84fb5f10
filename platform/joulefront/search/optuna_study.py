"""An Optuna study rebuilt from the history for one proposal, then thrown away.

Optuna sees every parameter under an encoding of its own (`_distribution`), so that options of any
type and steps that are not exact in binary survive the way there and back. It is asked parameter by
parameter, parents first, and only for those that are active. Which sampler is asked is the caller's
affair.
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

from joulefront.search.bounded import is_told
from joulefront.search.observation import History, Observation, Proposal, Space
from joulefront.search.unit_cube import ascending, is_ordered
from joulefront.spec.conditions import active, parents_first
from joulefront.spec.space import Choice, Float, Int, Parameter

IMPUTED = "joulefront:imputed"
"""System attribute of a trial that was stopped, whose values are a projection."""


def ask(
    sampler: optuna.samplers.BaseSampler, space: Space, objectives_count: int, history: History
) -> Proposal:
    """Ask a fresh sampler for the configuration that follows `history`.

    Args:
        sampler: Seeded for this proposal and used for no other.
        space: Parameters by name; their order does not matter to the sampler.
        objectives_count: How many values a told observation has; all are minimised.
        history: Ordered by index. Optuna sees what runs and what has finite values: a stopped
            observation is told as complete with its imputed values, and marked; no other is told.
    """
    named = {name: space[name] for name in sorted(space)}
    distributions = {name: _distribution(parameter) for name, parameter in named.items()}
    seen = [o for o in history if o.state == "running" or is_told(o)]
    with _quiet():
        study = optuna.create_study(directions=["minimize"] * objectives_count, sampler=sampler)
        study.add_trials([_trial(observation, space, distributions) for observation in seen])
        asked = study.ask()
        params: dict[str, Any] = {}
        for name in parents_first(named):
            if name in active(named, params):
                suggested = _suggest(asked, name, distributions[name])
                params[name] = _decode(space[name], suggested)
        stored = study.get_trials(deepcopy=False)[asked.number]
    return Proposal(
        params={name: params[name] for name in space if name in params},
        attributes=dict(stored.system_attrs),
    )


def _trial(
    observation: Observation, space: Space, distributions: dict[str, BaseDistribution]
) -> FrozenTrial:
    told = observation.state != "running"
    imputed = {IMPUTED: True} if observation.state == "stopped" else {}
    violations = {str(i): v for i, v in enumerate(observation.constraints)} if told else {}
    return optuna.trial.create_trial(
        state=TrialState.COMPLETE if told else TrialState.RUNNING,
        params={name: _encode(space[name], value) for name, value in observation.params.items()},
        distributions={name: distributions[name] for name in observation.params},
        values=observation.values if told else None,
        system_attrs={**observation.attributes, **imputed},
        constraints={name: math.inf if math.isnan(v) else v for name, v in violations.items()},
    )


def _distribution(parameter: Parameter) -> BaseDistribution:
    """Return what Optuna searches: an option's position, a stepped real's number of steps."""
    if isinstance(parameter, Choice):
        if is_ordered(parameter):
            return kinds.IntDistribution(0, len(parameter.options) - 1)
        return kinds.CategoricalDistribution(tuple(range(len(parameter.options))))
    if isinstance(parameter, Int):
        step = parameter.step or 1
        return kinds.IntDistribution(parameter.low, parameter.high, log=parameter.log, step=step)
    if parameter.step is not None:
        return kinds.IntDistribution(0, round((parameter.high - parameter.low) / parameter.step))
    return kinds.FloatDistribution(parameter.low, parameter.high, log=parameter.log)


def _suggest(trial: optuna.Trial, name: str, distribution: BaseDistribution) -> Any:
    if isinstance(distribution, kinds.CategoricalDistribution):
        return trial.suggest_categorical(name, distribution.choices)
    if isinstance(distribution, kinds.IntDistribution):
        low, high, step = distribution.low, distribution.high, distribution.step
        return trial.suggest_int(name, low, high, step=step, log=distribution.log)
    assert isinstance(distribution, kinds.FloatDistribution)
    return trial.suggest_float(name, distribution.low, distribution.high, log=distribution.log)


def _encode(parameter: Parameter, value: Any) -> Any:
    if isinstance(parameter, Choice):
        return ascending(parameter).index(value)
    if isinstance(parameter, Float) and parameter.step is not None:
        return round((value - parameter.low) / parameter.step)
    return value


def _decode(parameter: Parameter, value: Any) -> Any:
    if isinstance(parameter, Choice):
        return ascending(parameter)[value]
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
