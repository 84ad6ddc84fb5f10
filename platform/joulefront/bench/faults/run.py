"""`study bench faults`: what a study survives, and what surviving costs.

What judges is outside of the platform: books that the trials keep themselves, processes that print
what was acknowledged, plain pyarrow and json, the kernel's list of sockets, the harness's clock.
Campaigns that kill run two at a time, those with a clock alone. Within 12 minutes on 2 cores, with
sampled kill points; `--full` strikes at all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

from joulefront.bench.faults import (
    corruption,
    driver_kill,
    node_loss,
    performance,
    ports,
    resume_10k,
    segments,
    stopped_groups,
    utilisation,
    worker_kill,
)
from joulefront.bench.figures import figure_table, figure_values
from joulefront.bench.result import BenchResult

_KILLING = (driver_kill, worker_kill, node_loss, stopped_groups, ports, corruption, segments)
_CLOCKED = (resume_10k, performance, utilisation)
_IN_ORDER = (
    *(driver_kill, worker_kill, node_loss, segments, corruption),
    *_CLOCKED,
    *(stopped_groups, ports),
)


def run(*, full: bool = False) -> BenchResult:
    """Measure and return all figures."""
    began, load = time.monotonic(), os.getloadavg()[0]
    with ThreadPoolExecutor(2) as pool:
        parts = list(pool.map(lambda module: _observed(module, full), _KILLING))
    parts += [_observed(module, full) for module in _CLOCKED]
    rows = [row for part in parts for row in part]
    figures = [figure for module in _IN_ORDER for figure in module.FIGURES]
    head = f"{(time.monotonic() - began) / 60:.1f} minutes, load before {load:.1f}"
    failed = [
        f"\n{row['campaign']} failed: {row['error']}" for row in rows if row["what"] == "failed"
    ]
    head += "".join(failed)
    table = f"{head}\n\n{figure_table(figures, rows)}"
    return BenchResult(figures=figure_values(figures, rows), observations=rows, table=table)


def _observed(module: ModuleType, full: bool) -> list[dict[str, Any]]:
    """Run one campaign in a process of its own: one Ray a process, and patches stay in it."""
    with tempfile.TemporaryDirectory(prefix="joulefront-") as folder:
        written = Path(folder) / "rows.json"
        code = (
            f"import json, pathlib, {module.__name__} as campaign\n"
            f"rows = campaign.observe({full})\n"
            f"pathlib.Path({str(written)!r}).write_text(json.dumps(rows))\n"
        )
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        if done.returncode:  # its figures are then NaN, which no reach holds
            return [{"what": "failed", "campaign": module.__name__, "error": done.stderr[-2000:]}]
        rows: list[dict[str, Any]] = json.loads(written.read_text())
        return rows
