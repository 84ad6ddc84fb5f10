"""A study of very many simulated trials in a process of its own: what its driver takes.

    python -m joulefront.bench.search.driver TRIALS [--auto]

prints one JSON row. The trials are real to the driver: each has eight reports and its rows in a
store. With `--auto` all are proposed by the sampler that studies have by default; otherwise by
random draws up to the last few, because the default's take half an hour in all.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from joulefront.launch.proposing import MadeProposal, ProposalRequest
from joulefront.spec import Budget, Search
from joulefront.testing.families import Family
from joulefront.testing.virtual import problem_spec, simulate

_LAST = 20
_EPOCHS = 8


class _Timed:
    """A proposer that takes the time of the last proposals, and of unbounded TPE at the end."""

    def __init__(self, trials: int, auto: bool) -> None:
        self._from = trials - _LAST
        self._auto = auto
        self.rows: list[dict[str, Any]] = []

    def __call__(self, request: ProposalRequest) -> MadeProposal:
        if request.index < self._from:
            return (request if self._auto else _by("random", request)).run()
        if request.index == self._from:  # the mutant is timed where its history is as long
            self._time("tpe", _by("tpe", request))
        return self._time("auto", request)

    def _time(self, variant: str, request: ProposalRequest) -> MadeProposal:
        began = time.process_time()
        made = request.run()
        seconds = time.process_time() - began
        row = {"situation": "proposal", "variant": variant, "seconds": seconds}
        self.rows.append(row | {"history": len(request.history)})
        return made


def _by(sampler: Any, request: ProposalRequest) -> ProposalRequest:
    search = dataclasses.replace(request.spec.search, sampler=sampler)
    return dataclasses.replace(request, spec=dataclasses.replace(request.spec, search=search))


def measure(trials: int, *, auto: bool = False) -> list[dict[str, Any]]:
    """Run the study in this process, and return its raw rows."""
    problem = Family("transformer", 0, epochs=_EPOCHS)
    spec = problem_spec(problem, budget=Budget(trials=trials), search=Search(concurrent=2))
    timed = _Timed(trials, auto)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="joulefront-bench-") as folder:
        simulated = simulate(spec, problem, store=Path(folder) / "study", proposer=timed)
    seconds = time.perf_counter() - began
    peak = _peak_bytes()
    driver = {"situation": "driver", "trials": len(simulated.trials), "seconds": seconds}
    observation = sys.getsizeof(object()) + sys.getsizeof({}) * 3 + sys.getsizeof((0.0, 0.0))
    quadratic = peak + observation * len(simulated.trials) ** 2 // 2
    return [
        driver | {"variant": "platform", "bytes": peak, "sampler": "auto" if auto else "random"},
        driver | {"variant": "keeps every proposal's history", "bytes": quadratic},
        *timed.rows,
    ]


def _peak_bytes() -> int:
    """Return the most memory this process has held.

    Where there is a /proc: Linux hands `ru_maxrss` of the process that started this one on to it.
    """
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = [row for row in status.read_text().splitlines() if row.startswith("VmHWM")]
        return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _main() -> None:
    parser = argparse.ArgumentParser(description="Measure a driver.")
    parser.add_argument("trials", type=int)
    parser.add_argument("--auto", action="store_true")
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.trials, auto=arguments.auto)))


if __name__ == "__main__":
    _main()
