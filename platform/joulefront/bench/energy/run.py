"""`study bench energy`: may the energy of a trial be trusted? Twenty figures and their mutants.

Real trials on a local Ray, charged through `run_trial` and the host's meter, on two cores whatever
the machine has. What is true comes from `getrusage` in the trials' processes, from /proc/stat and
from the clock. Situations that are compared take turns in each round, because a machine drifts.
Not a test: nothing here fails where a machine is slow or busy, but figures will miss.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joulefront.bench.energy.figures import FIGURES
from joulefront.bench.energy.host_clock import HostClock, process_seconds
from joulefront.bench.energy.ledgers import bill_row, live_row, process_row, read_ledger
from joulefront.bench.energy.stand import Stand, stand_of
from joulefront.bench.energy.strays import CULPRITS, strays_of
from joulefront.bench.energy.work import Config
from joulefront.bench.figures import figure_table, figure_values
from joulefront.bench.result import BenchResult
from joulefront.energy.self_test import separate_cores
from joulefront.errors import JoulefrontError
from joulefront.launch.cluster import ray_cluster

_CORES = 2
_CROWD = 8
_ROUNDS = 5
_FEWER_ROUNDS = 3
_TURNS = 10
_SECONDS = 5.0  # of the work, alone on a core
_REFERENCE_SECONDS = 3.0
_TURN_SECONDS = 1.25
_SOLO_SECONDS = 16.0
_CROWD_SECONDS = 31.0
_CALIBRATING_STEPS = 100


def run() -> BenchResult:
    """Measure and return all figures; seven minutes."""
    if sys.platform != "linux":
        raise JoulefrontError("this bench must run on Linux", given=sys.platform)
    with _two_cores() as cores, tempfile.TemporaryDirectory(prefix="joulefront-bench-") as folder:
        head = f"On cores {cores} of {os.cpu_count()}, load before {os.getloadavg()[0]:.1f}"
        with ray_cluster(None, cpus=1, slots=_CROWD, gpus=0), HostClock() as clock:
            studies = Path(folder).resolve()
            rows = _pairs(studies / "pairs", clock) + _crowd(studies / "crowd", clock)
    rows.append({"situation": "strays"} | {who: strays_of(who) for who in CULPRITS})
    head += f", after {os.getloadavg()[0]:.1f}, {_others_share(rows):.0%} of it by others"
    table = f"{head}\n\n{figure_table(FIGURES, rows)}"
    return BenchResult(figures=figure_values(FIGURES, rows), observations=rows, table=table)


def _others_share(rows: list[dict[str, Any]]) -> float:
    """Return the share of the host's busy time that neither we nor any Ray has used."""
    ledgers = [row for row in rows if row["situation"] == "ledger"]
    others = sum(row["accounts"]["other"] for row in ledgers)
    return float(others / sum(row["busy"] for row in ledgers))


@contextmanager
def _two_cores() -> Iterator[list[int]]:
    """Confine this process, and what it starts, to two cores that are no siblings, if it can."""
    before = os.sched_getaffinity(0)
    chosen = list(separate_cores()) or sorted(before)[:_CORES]
    os.sched_setaffinity(0, chosen)
    try:
        yield chosen
    finally:
        os.sched_setaffinity(0, before)


def _pairs(study: Path, clock: HostClock) -> list[dict[str, Any]]:
    """Run one or two trials at a time."""
    with stand_of(study, clock) as stand:
        first, second = pair = stand.workers(2)
        steps = _per_second(stand, pair, "steps")
        _neighbours(stand, first, second, steps)
        _oversubscription(stand, first, second, _per_second(stand, [first], "matmul", cpus=2))
        _completeness(stand, first)
        _reuse(stand, steps)
        alone = [(first, _endless("steps"))]
        solos = [
            stand.run("solo", round_, alone, during=lambda: time.sleep(_SOLO_SECONDS))
            for round_ in range(_FEWER_ROUNDS)
        ]
    ledger = read_ledger(study)
    return [
        *stand.observations,
        *(live_row("live_solo", ledger, solo, clock) for solo in solos),
        bill_row(study, clock, stand.model),
    ]


def _per_second(stand: Stand, workers: list[Any], kind: str, cpus: int = 1) -> float:
    """Return how many steps a kind of work does in a second of time; warms the workers up."""
    calibrating = Config(kind=kind, amount=_CALIBRATING_STEPS)
    walls: list[float] = []
    for round_, worker in enumerate(workers):
        (row,) = stand.run("calibration", round_, [(worker, calibrating)], cpus=cpus)
        walls.append(row["wall"])
    return _CALIBRATING_STEPS / min(walls)


def _endless(kind: str) -> Config:
    return Config(kind=kind, endless=True)


def _neighbours(stand: Stand, first: Any, second: Any, steps: float) -> None:
    """Run the same work alone and beside others, half of it and twice of it."""
    work = Config(kind="steps", amount=_SECONDS * steps, codecarbon=True)
    situations = [
        ("alone", [(first, work)]),
        ("reference", [(first, Config(kind="steps", amount=_REFERENCE_SECONDS * steps))]),
        ("neighbour", [(first, work), (second, _endless("steps"))]),
        ("double", [(first, Config(kind="steps", amount=2 * _SECONDS * steps))]),
        ("memory", [(first, work), (second, _endless("memory"))]),
    ]
    for round_ in range(_ROUNDS):
        for situation, parts in situations:
            stand.run(situation, round_, parts)


def _oversubscription(stand: Stand, first: Any, second: Any, steps: float) -> None:
    """Run a trial of two threads alone, and two of them at once, where there are two cores."""
    work = Config(kind="matmul", amount=_SECONDS / 2 * steps)
    for round_ in range(_FEWER_ROUNDS):
        stand.run("two_threads", round_, [(first, work)], cpus=2)
        stand.run("oversubscribed", round_, [(first, work), (second, work)], cpus=2)


def _completeness(stand: Stand, worker: Any) -> None:
    """Let the work be done by other processes than the trial's own."""
    for round_ in range(_FEWER_ROUNDS):
        for kind in ("respawned", "persistent", "subprocess", "actor"):
            stand.run(kind, round_, [(worker, Config(kind=kind, amount=_SECONDS))], cpus=2)


def _reuse(stand: Stand, steps: float) -> None:
    """Run ten identical trials one after the other in each of some new processes."""
    work = Config(kind="steps", amount=_TURN_SECONDS * steps)
    for round_, worker in enumerate(stand.workers(_ROUNDS)):
        for turn in range(_TURNS):
            stand.run("reuse", round_, [(worker, work)], turn=turn)


def _crowd(study: Path, clock: HostClock) -> list[dict[str, Any]]:
    """Run eight trials at once, and watch the meter meanwhile."""
    with stand_of(study, clock) as stand:
        idle, *workers = stand.workers(1 + _CROWD)
        parts = [(worker, _endless("steps")) for worker in workers]
        actors = {"meter": stand.pid(stand.meter()), "idle": stand.pid(idle)}
        ends: list[tuple[int, dict[str, float]]] = []

        def look() -> None:
            used = {name: process_seconds(pid) for name, pid in actors.items()}
            ends.append((time.monotonic_ns(), used))

        def watch() -> None:
            look()
            time.sleep(_CROWD_SECONDS)
            look()

        crowd = stand.run("crowd", 0, parts, during=watch)
    ledger = read_ledger(study)
    return [
        *stand.observations,
        *(process_row(name, ledger, *ends) for name in actors),
        live_row("live_many", ledger, crowd, clock),
        bill_row(study, clock, stand.model),
    ]
