"""The simulated studies of this bench: each job is one seed of one comparison, and gives raw rows.

A job is a pure function of its arguments but for the CPU time that proposals take, so jobs can run
in any process and order.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from joulefront.bench.search.faults import forgetful, rule_replaced
from joulefront.bench.search.judging import (
    Floats,
    Integers,
    Measured,
    measured,
    members_by_estimate,
    members_by_mean,
    true_hypervolume,
    truly_members,
)
from joulefront.bench.search.peer import simulate_peer
from joulefront.launch.proposing import Proposer, run_now
from joulefront.spec import Budget, Replicates, Search, Stopping
from joulefront.testing.families import FOLDS, Family
from joulefront.testing.recorded import Recorded
from joulefront.testing.virtual import Simulated, Watch, problem_spec, simulate

TRIALS = 120  # of the peer, and of studies with and without early stopping
FRONT_TRIALS = 60  # of studies whose front is judged
SLOTS = 2
_MIGHT_BE = 0.05  # probability of membership from which a careless platform would report one
_JOULES_PER_WATT_HOUR = 3600.0

Row = dict[str, Any]
Job = tuple[str, dict[str, Any]]


def problem_of(family: str | None, seed: int, *, sees_test: bool = False) -> Family | Recorded:
    """Return an instance of a family, or the shipped table where `family` is None."""
    if family is None:
        return Recorded(sees_test=sees_test)
    return Family(family, seed, sees_test=sees_test)


def race(family: str | None, seed: int) -> list[Row]:
    """Let the peer spend its budget, then see what it takes others to report as good a front."""
    problem = problem_of(family, seed)
    peer, best = simulate_peer(problem, trials=TRIALS, seed=seed, slots=SLOTS)
    goal = true_hypervolume(np.array([problem.truth(t.params) for t in best]), problem)
    rows = []
    variants: dict[str, tuple[Any, Any, Proposer]] = {
        "auto": ("auto", "never", run_now),
        "auto, dominated": ("auto", "dominated", run_now),
        "random": ("random", "never", run_now),
        "forgetful": ("random", "never", forgetful),
    }
    for variant, (sampler, rule, proposer) in variants.items():
        reached: list[tuple[float, float]] = []

        def look(simulated: Simulated, reached: list[tuple[float, float]] = reached) -> bool:
            reached.append((simulated.joules, _reported(measured(simulated), problem)))
            return reached[-1][1] >= goal

        simulated = _study(
            problem,
            seed,
            Budget(energy_wh=peer.joules / _JOULES_PER_WATT_HOUR),
            watch=look,
            sampler=sampler,
            proposer=proposer,
            stopping=Stopping(rule=rule),
        )
        rows.append(
            {
                "situation": "race",
                "recorded": family is None,
                "problem": problem.name,
                "seed": seed,
                "variant": variant,
                "share": reached[-1][0] / peer.joules if reached[-1][1] >= goal else None,
                "goal": goal,
                "best": max(volume for _, volume in reached),
                "peer_joules": peer.joules,
                "peer_search_cpu_seconds": peer.search_cpu_seconds,
                "joules": simulated.joules,
                "search_cpu_seconds": simulated.search_cpu_seconds,
                "trials": len(simulated.trials),
            }
        )
    return rows


def stopping(family: str | None, seed: int) -> list[Row]:
    """Run the same study under different rules, one of which ends no trial."""
    variants: dict[str, tuple[Any, str | None]] = {
        "never": ("never", None),
        "sees the test fold": ("never", None),
        "dominated": ("dominated", None),
        "successive_halving": ("successive_halving", None),
        "tells complete": ("dominated", None),
        "impatient": ("dominated", "impatient"),
    }
    rows = []
    for variant, (rule, fault) in variants.items():
        problem = problem_of(family, seed, sees_test=variant == "sees the test fold")
        with rule_replaced(rule, fault) if fault else nullcontext():
            simulated = _study(
                problem,
                seed,
                Budget(trials=TRIALS),
                stopping=Stopping(rule=rule),
                tell_complete=variant == "tells complete",
            )
        known = measured(simulated)
        members = np.flatnonzero(members_by_mean(known))
        short = [any(t.epochs < problem.epochs for t in known.trials[int(m)]) for m in members]
        rows.append(
            {
                "situation": "stopping",
                "recorded": family is None,
                "problem": problem.name,
                "seed": seed,
                "variant": variant,
                "hypervolume": _reported(known, problem),
                "joules": simulated.joules,
                "search_cpu_seconds": simulated.search_cpu_seconds,
                "trials": len(simulated.trials),
                "stopped": sum(t.epochs < problem.epochs for t in simulated.trials),
                "members": len(members),
                "members_stopped": sum(short),
                "test_optimism": _test_optimism(known, problem, members),
            }
        )
    return rows


def front(family: str, seed: int, trials: int) -> list[Row]:
    """Run a study with `allocate: front`."""
    problem = problem_of(family, seed)
    replicates = Replicates(folds=FOLDS, seeds=1, allocate="front")
    simulated = _study(problem, seed, Budget(trials=trials), replicates=replicates)
    common = {
        "situation": "front" if trials == FRONT_TRIALS else "longer front",
        "problem": problem.name,
        "seed": seed,
        "joules": simulated.joules,
        "trials": len(simulated.trials),
    }
    return [common | row for row in _front_rows(measured(simulated), problem)]


JOBS: dict[str, Callable[..., list[Row]]] = {"front": front, "race": race, "stopping": stopping}


def do(job: Job) -> list[Row]:
    """Run a job."""
    name, arguments = job
    return JOBS[name](**arguments)


def _study(
    problem: Family | Recorded,
    seed: int,
    budget: Budget,
    *,
    sampler: Any = "auto",
    watch: Watch = lambda simulated: False,
    proposer: Proposer = run_now,
    tell_complete: bool = False,
    **sections: Any,
) -> Simulated:
    search = Search(sampler=sampler, seed=seed, concurrent=SLOTS)
    spec = problem_spec(problem, budget=budget, search=search, **sections)
    with tempfile.TemporaryDirectory(prefix="joulefront-bench-") as folder:
        store = Path(folder) / "study"
        return simulate(
            spec,
            problem,
            store=store,
            watch=watch,
            proposer=proposer,
            tell_complete=tell_complete,
        )


def _reported(known: Measured, problem: Family | Recorded) -> float:
    """Return the true hypervolume of what is reported."""
    if not known.trials:
        return 0.0
    return true_hypervolume(known.truths(problem)[members_by_mean(known)], problem)


def _test_optimism(known: Measured, problem: Family | Recorded, members: Integers) -> float:
    """By how much the members' test metric is better than true, beyond everybody's.

    In standard deviations of all configurations, of the first objective; around 0 if nobody has
    chosen by it.
    """
    better = (known.truths(problem) - known.tests())[:, 0]
    spread = better.std()
    return float((better[members].mean() - better.mean()) / spread) if spread else 0.0


def _front_rows(known: Measured, problem: Family | Recorded) -> list[Row]:
    """Judge a front as it is reported, and as faulty platforms would report it."""
    truths = known.truths(problem)
    true_members = truly_members(truths)
    members, estimates, probability = members_by_estimate(known, FOLDS)
    single = members_by_mean(Measured(params=known.params, trials=[t[:1] for t in known.trials]))
    one = np.arange(len(members)) == np.flatnonzero(members)[:1]
    naive = _naive_intervals(known)
    variants: Sequence[tuple[str, Any, Floats, Floats, tuple[Floats, Floats]]]
    variants = (
        ("reported", members, estimates.mean, probability, (estimates.low, estimates.high)),
        ("single", single, known.firsts(), single.astype(float), naive),
        ("one member", one, estimates.mean, np.ones(len(one)), naive),
        ("might be", probability >= _MIGHT_BE, estimates.mean, probability, naive),
        ("independent", members, known.means(), probability, naive),
    )
    best = true_hypervolume(truths, problem)
    rows = []
    for variant, chosen, means, likely, (low, high) in variants:
        true = true_hypervolume(truths[chosen], problem)
        covered = ((low <= truths) & (truths <= high))[chosen]
        rows.append(
            {
                "variant": variant,
                "overstatement": true_hypervolume(means[chosen], problem) / true - 1,
                "true_share": true / best,
                "reported": int(chosen.sum()),
                "true_members": int(true_members.sum()),
                "right": int((chosen & true_members).sum()),
                "covered": [int(n) for n in covered.sum(axis=0)],
                "probability": [round(float(p), 4) for p in likely],
                "is_member": [bool(m) for m in true_members],
                "replicates": [len(t) for t in known.trials],
            }
        )
    return rows


def _naive_intervals(known: Measured) -> tuple[Floats, Floats]:
    """Return 1.96 standard errors about each mean, of its own replicates, as if independent."""
    low, high = [], []
    for trials in known.trials:
        values = np.array([trial.values for trial in trials])
        n, mean = len(values), values.mean(axis=0)
        spread = values.std(axis=0, ddof=1) / n**0.5 if n > 1 else 0.0 * mean
        low.append(mean - 1.96 * spread)
        high.append(mean + 1.96 * spread)
    return np.array(low), np.array(high)
