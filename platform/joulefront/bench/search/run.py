"""`study bench search`: does the search buy its front with fewer joules than the peer?

Studies are simulated on a virtual clock (`joulefront.testing.virtual`): analytic families whose
truth is a formula, and a table recorded from a real study. Proposals are computed in earnest, and
their CPU time counts as joules. Within 12 minutes on 2 cores; `--full` takes more instances, more
replays, and lets the default sampler propose all of the 10,000 trials.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import chain
from multiprocessing import get_context
from typing import Any

from joulefront.bench.figures import figure_table, figure_values
from joulefront.bench.result import BenchResult
from joulefront.bench.search import idle, speed
from joulefront.bench.search.campaign import FRONT_TRIALS, TRIALS, Job, do, front
from joulefront.bench.search.figures import FIGURES, LONGER
from joulefront.bench.search.peer import simulate_peer
from joulefront.errors import JoulefrontError
from joulefront.testing.families import FAMILIES, Family

_CORES = 2
_FIRST_INSTANCE = 10  # those before it served to choose the settings of sampler, rule and race
_INSTANCES, _REPLAYS = 6, 16
_FULL_INSTANCES, _FULL_REPLAYS = 20, 40
_DRIVER_TRIALS = 10_000
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def run(*, full: bool = False) -> BenchResult:
    """Measure and return all figures."""
    began = time.monotonic()
    load = os.getloadavg()[0]
    spawn = get_context("spawn")
    with (
        _single_threads(),
        ProcessPoolExecutor(_CORES, spawn, initializer=_warm_up) as pool,
    ):
        apart = [pool.submit(_driver, full), pool.submit(speed.measure)]
        rows = list(chain.from_iterable(pool.map(do, _jobs(full))))
        rows += chain.from_iterable(future.result() for future in apart)
    rows += _idle()
    figures = FIGURES + LONGER if full else FIGURES
    head = f"{(time.monotonic() - began) / 60:.1f} minutes on {_CORES} cores, "
    head += f"load before {load:.1f}, after {os.getloadavg()[0]:.1f}"
    table = f"{head}\n\n{figure_table(figures, rows)}"
    return BenchResult(figures=figure_values(figures, rows), observations=rows, table=table)


def _jobs(full: bool) -> list[Job]:
    """Return the long ones first."""
    count = _FULL_INSTANCES if full else _INSTANCES
    instances = range(_FIRST_INSTANCE, _FIRST_INSTANCE + count)
    replays = range(_FULL_REPLAYS if full else _REPLAYS)
    analytic = [{"family": family, "seed": seed} for family in FAMILIES for seed in instances]
    recorded: list[dict[str, Any]] = [{"family": None, "seed": seed} for seed in replays]
    jobs: list[Job] = [
        ("front", arguments | {"trials": trials})
        for trials in ((TRIALS, FRONT_TRIALS) if full else (FRONT_TRIALS,))
        for arguments in analytic
    ]
    jobs += [("stopping", arguments) for arguments in [*analytic, *recorded]]
    jobs += [("race", arguments) for arguments in [*analytic, *recorded]]
    return jobs


@contextmanager
def _single_threads() -> Iterator[None]:
    """Let processes that are started compute on one core each."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _warm_up() -> None:
    """Import what samplers import, which a driver does once: no trial is to pay for it."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    simulate_peer(Family("transformer", 0), trials=12, seed=0)
    front("transformer", 0, 12)


def _driver(full: bool) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", "joulefront.bench.search.driver", str(_DRIVER_TRIALS)]
    done = subprocess.run([*command, *["--auto"] * full], capture_output=True, text=True)
    if done.returncode:
        raise JoulefrontError("the simulated driver must end well", given=done.stderr[-2000:])
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def _idle() -> list[dict[str, Any]]:
    measured = idle.measure()
    return [
        *({"situation": "idle", "variant": "raw"} | row for row in measured.rows),
        {"situation": "idle", "variant": "platform", "share": measured.share},
        {"situation": "idle", "variant": "unprepared", "share": measured.mutant_share},
    ]
