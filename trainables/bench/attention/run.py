"""`study bench attention`: how fast, how small and how right each attention is.

fp32, forward and backward of the whole layer with projections and clustering, ratios to dense SDPA
of the same run, process CPU time of one thread, the best of interleaved rounds. `balanced` has
leaves of 64, `cluster` k = log2 n. Not a test: nothing here fails where a machine is slow or busy,
but figures will miss.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from typing import Any

import torch

from joulefront.bench import BenchResult, Rows, figure_table, figure_values
from trainables.bench.attention.figures import FIGURES, attention_table
from trainables.bench.attention.plan import TABLE, timed_tasks, untimed_tasks
from trainables.bench.attention.worker import delegate, describe_allocator

_AT_ONCE = 2  # workers, of what is not timed


def run() -> BenchResult:
    """Measure and return all figures; some ten minutes on two cores."""
    before = os.getloadavg()[0]
    rows = [row for task in timed_tasks() for row in delegate(*task)]
    head = f"load before {before:.1f}, after the timed part {os.getloadavg()[0]:.1f}"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        rows += chain.from_iterable(pool.map(lambda task: delegate(*task), untimed_tasks()))
    return report(rows, head)


def report(rows: Sequence[dict[str, Any]], head: str = "") -> BenchResult:
    """Return the figures of some observations, and their tables under a head."""
    how = (
        f"torch {torch.__version__}, fp32, forward and backward, one thread, process CPU time, "
        f"best of interleaved rounds; {head}\n{describe_allocator()}"
    )
    tables = [figure_table(FIGURES, rows), _caption(rows), attention_table(rows, **TABLE)]
    table = "\n\n".join([how, *tables])
    return BenchResult(figures=figure_values(FIGURES, rows), observations=rows, table=table)


def _caption(rows: Rows) -> str:
    """Say what the mass above was taken from, and the columns below."""
    first = {row["situation"]: row for row in reversed(rows)}
    said = ["Below: a sample of {width} × {tokens}; GFLOP by account, forward;".format(**TABLE)]
    if kept := first.get("mass"):
        what = "real slices (OASIS-1)" if kept["cohort"] == "oasis1" else "synthetic slices"
        where = f"{what}, {kept['tokens']} tokens, SMMT after {kept['epochs']} epochs, dense"
        said.insert(0, f"Above: mass of {where}.")
    if compared := first.get("definition"):
        shape = "{width} × {tokens}".format(**compared)
        said.append(f"from `oracle error` on: float64, {shape}, Q = K, clusters at any length.")
    return "\n".join(said)
