"""Does a neighbour change what the same work is charged on this machine? Ask it in ten seconds.

Fixed work (float32 products on one thread) runs alone, then beside a copy of itself, three times
in turns; each copy is a process of its own, on a core of its own, and reads its own counters. It
tests how trials share this machine, and not whether the power model is true.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from joulefront.energy.charges import charge_windows
from joulefront.energy.counters import ProcessCounters
from joulefront.energy.ledger import Window
from joulefront.energy.power import PowerModel
from joulefront.energy.process_tree import has_proc
from joulefront.energy.quality import Policy, degradations

_ROUNDS = 3
_PRODUCTS = 600  # 1.3 s on a server of 2024
_SIDE = 512
_TOLERANCE = 0.05
_TOPOLOGY = "/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"
_CODE = "import sys; from joulefront.energy.self_test import work; work(*map(int, sys.argv[1:]))"


@dataclass(frozen=True, kw_only=True, slots=True)
class SelfTest:
    """What the work was charged, run by run.

    Attributes:
        alone_joules: Alone.
        beside_joules: Of each of two copies at once.
        cores: The two that they were pinned to; empty where they were not.
        degradations: What disturbed the runs, as a trial would have it.
        basis: What the charges are made of, in words.
    """

    alone_joules: tuple[float, ...]
    beside_joules: tuple[float, ...]
    cores: tuple[int, ...]
    degradations: tuple[str, ...]
    basis: str

    @property
    def ratio(self) -> float:
        """Median charge beside a copy ÷ median charge alone."""
        return statistics.median(self.beside_joules) / statistics.median(self.alone_joules)

    @property
    def spread(self) -> float:
        """Largest difference of charges alone ÷ their median."""
        joules = self.alone_joules
        return (max(joules) - min(joules)) / statistics.median(joules)

    @property
    def verdict(self) -> str:
        """What the figures mean, in words."""
        sentences = []
        if abs(self.ratio - 1.0) <= max(_TOLERANCE, self.spread):
            sentences.append("a neighbour does not change the charge")
        elif self.ratio > 1.0:
            sentences.append(
                "a neighbour raises the charge: cores share caches, clocks or threads here, or"
                " something else runs; run fewer trials at once"
            )
        else:
            sentences.append("a neighbour seems to lower the charge: the machine was not quiet")
        if self.spread > _TOLERANCE:
            sentences.append(
                f"the same work alone varies by {self.spread:.0%}: take no smaller difference"
                " between trials for one"
            )
        return "; ".join(sentences)


def self_test(
    model: PowerModel, run: Callable[[Sequence[int | None]], list[Window]] | None = None
) -> SelfTest:
    """Run the test.

    Args:
        model: Of this machine.
        run: Runs a copy of the work on each of some cores at once (None: on any), and returns
            their windows; by default in processes.
    """
    run = run or run_copies
    cores = separate_cores()
    places: Sequence[int | None] = cores or (None, None)
    alone: list[Window] = []
    beside: list[Window] = []
    for _ in range(_ROUNDS):
        alone += run(places[:1])
        beside += run(places)
    return SelfTest(
        alone_joules=tuple(_joules(window, model) for window in alone),
        beside_joules=tuple(_joules(window, model) for window in beside),
        cores=cores,
        degradations=degradations([*alone, *beside], Policy()),
        basis=f"CPU time through {'/proc' if has_proc() else 'psutil, in clock ticks'} x"
        f" {model.joules_per_cpu_second:.3g} J, {model.provenance}",
    )


def separate_cores() -> tuple[int, ...]:
    """Return two cores of this process that are no siblings; nothing where there are none."""
    if not hasattr(os, "sched_getaffinity"):
        return ()
    free = sorted(os.sched_getaffinity(0))
    for other in free[1:]:
        if _siblings(free[0]) != _siblings(other):
            return free[0], other
    return ()


def run_copies(cores: Sequence[int | None]) -> list[Window]:
    """Run a copy of the work on each core; all begin when the last of them is ready."""
    command = [sys.executable, "-P", "-c", _CODE, str(_PRODUCTS)]
    copies: list[subprocess.Popen[str]] = []
    try:
        for core in cores:
            pinned = [] if core is None else [str(core)]
            copies.append(
                subprocess.Popen(
                    [*command, *pinned],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        for copy in copies:
            assert copy.stdout is not None
            copy.stdout.readline()
        for copy in copies:
            assert copy.stdin is not None
            copy.stdin.write("go\n")
            copy.stdin.flush()
        return [Window.from_dict(json.loads(copy.communicate()[0])) for copy in copies]
    finally:
        for copy in copies:
            copy.kill()
            copy.wait()


def work(products: int, core: int | None = None) -> None:
    """Be one copy: get ready, wait for a line of input, work, print the window as JSON."""
    if core is not None:
        os.sched_setaffinity(0, {core})  # first: the threads of libraries take it over
    import numpy as np
    from threadpoolctl import threadpool_limits

    left = np.random.default_rng(0).random((_SIDE, _SIDE), dtype=np.float32)
    product = np.empty_like(left)
    counters = ProcessCounters()
    with threadpool_limits(limits=1):
        np.matmul(left, left, out=product)
        print("ready", flush=True)
        sys.stdin.readline()
        opened = counters.read()
        for _ in range(products):
            np.matmul(left, left, out=product)
        window = Window(opened=opened, closed=counters.read(), cores=1)
    print(json.dumps(window.to_dict()))


def _joules(window: Window, model: PowerModel) -> float:
    return next(c.joules for c in charge_windows([window], model) if c.component == "cpu")


def _siblings(core: int) -> str:
    try:
        return Path(_TOPOLOGY.format(core)).read_text(encoding="ascii")
    except OSError:
        return str(core)
