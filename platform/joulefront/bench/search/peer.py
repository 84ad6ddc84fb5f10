"""The peer: Ray Tune's own `OptunaSearch` with its defaults, on the same virtual clock and slots.

It is asked and told as Tune does it: a suggestion for each free slot, every epoch's result, and at
the end of a trial its last result. Its front is what Optuna calls the best trials. No cluster is
started; what Tune itself would compute besides costs the peer nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any

from ray import tune
from ray.tune.search.optuna import OptunaSearch

from joulefront.spec.space import Choice, Parameter
from joulefront.testing.problem import Problem, Run
from joulefront.testing.virtual import Simulated, VirtualTrial


def simulate_peer(
    problem: Problem, *, trials: int, seed: int, slots: int = 2
) -> tuple[Simulated, list[VirtualTrial]]:
    """Run a search of that many trials, each of which runs to its end.

    Returns:
        The search, and the trials on its front.
    """
    objectives = problem.objectives
    search = OptunaSearch(
        metric=[objective.metric for objective in objectives],
        mode=["max" if objective.sign < 0 else "min" for objective in objectives],
        seed=seed,
    )
    space = {name: tune_domain(parameter) for name, parameter in problem.space.items()}
    search.set_search_properties(None, None, space)
    simulated = Simulated()
    waiting: list[tuple[float, int, int]] = []
    running: dict[int, tuple[Run, float]] = {}
    while True:
        while len(running) < slots and len(simulated.trials) < trials:
            number = len(simulated.trials)
            with simulated.searching():
                params = search.suggest(str(number))
            run = problem.run(params, fold=0, seed=seed)
            running[number] = (run, simulated.seconds)
            simulated.trials.append(
                VirtualTrial(config_id=str(number), params=params, fold=0, seed=seed)
            )
            heapq.heappush(waiting, (simulated.seconds + run.epochs[0].seconds, number, 0))
        if not waiting:
            break
        at, number, index = heapq.heappop(waiting)
        simulated.seconds = max(simulated.seconds, at)
        run, began = running[number]
        epoch, trial = run.epochs[index], simulated.trials[number]
        result = dict(epoch.metrics) | {"energy_joules": epoch.joules}
        result["training_iteration"] = index + 1
        trial.epochs, trial.joules = index + 1, epoch.joules
        trial.values = tuple(o.sign * result[o.metric] for o in objectives)
        with simulated.searching():
            search.on_trial_result(str(number), result)
        if index + 1 < len(run.epochs):
            heapq.heappush(waiting, (began + run.epochs[index + 1].seconds, number, index + 1))
            continue
        trial.state = "complete"
        with simulated.searching():
            search.on_trial_complete(str(number), result)
        del running[number]
    best = [simulated.trials[trial.number] for trial in search._ot_study.best_trials]
    return simulated, best


def tune_domain(parameter: Parameter) -> Any:
    """Return a parameter as a user of Tune would write it."""
    if isinstance(parameter, Choice):
        return tune.choice(list(parameter.options))
    kind = "int" if isinstance(parameter.low, int) else "float"
    above = 1 if kind == "int" and parameter.step is None else 0  # Tune leaves the end out
    domains: Mapping[tuple[str, bool], Any] = {
        ("int", False): tune.randint,
        ("int", True): tune.lograndint,
        ("float", False): tune.uniform,
        ("float", True): tune.loguniform,
    }
    if parameter.step is not None:
        quantised = tune.qrandint if kind == "int" else tune.quniform
        return quantised(parameter.low, parameter.high, parameter.step)
    return domains[kind, parameter.log](parameter.low, parameter.high + above)
