"""Independent uniform draws; the history is not looked at, and Optuna is not needed."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from joulefront.search.observation import History, Proposal, Space, stable_seed
from joulefront.spec.space import Choice, Int, Parameter


def random_search(
    space: Space, objectives_count: int, *, seed: int, index: int, history: History
) -> Proposal:
    """Return proposal `index`, uniform over the space (over the logarithm with `log`)."""
    rng = Random(stable_seed(seed, index))
    drawn = {name: _draw(space[name], rng) for name in sorted(space)}
    return Proposal(params={name: drawn[name] for name in space}, attributes={})


def _draw(parameter: Parameter, rng: Random) -> Any:
    if isinstance(parameter, Choice):
        return rng.choice(parameter.options)
    if parameter.step is not None:
        return rng.choice(parameter.grid())
    if isinstance(parameter, Int):
        return _draw_int(parameter, rng)
    low, high = parameter.low, parameter.high
    if not parameter.log:
        return rng.uniform(low, high)
    return min(max(math.exp(rng.uniform(math.log(low), math.log(high))), low), high)


def _draw_int(parameter: Int, rng: Random) -> int:
    """Draw an integer; on a logarithmic scale each owns half a unit on either side."""
    low, high = parameter.low, parameter.high
    if not parameter.log:
        return rng.randint(low, high)
    value = round(math.exp(rng.uniform(math.log(low - 0.5), math.log(high + 0.5))))
    return min(max(value, low), high)
