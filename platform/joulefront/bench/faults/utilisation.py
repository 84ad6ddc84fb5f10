"""How much of the slots' time trials have: the ideal against what a study of sleepers took.

The ideal for N trials of t seconds on S slots is N·t/S. The clock begins when the first trial does
and ends when the last has: what a study needs to start (imports, Ray, the first process) is in
`with_start`, and printed. The mutant leaves every other slot empty.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from joulefront.bench.figures import Figure, Rows

_CASES = {"4x1": (4, 1.0, 60), "16x10": (16, 10.0, 48), "16x1": (16, 1.0, 96)}


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Run the sleepers.

    Returns:
        A row a case and variant: seconds from the first trial's begin to the last one's end.
    """
    rows = [_sleep(case, "joulefront", *_CASES[case]) for case in _CASES]
    for case in ("4x1", "16x10"):
        slots, seconds, _ = _CASES[case]
        rows.append(_sleep(case, "half", slots, seconds, slots, concurrent=slots // 2))
    return [row | {"what": "utilisation"} for row in rows]


def _sleep(
    case: str,
    variant: str,
    slots: int,
    seconds: float,
    trials: int,
    concurrent: int | None = None,
) -> dict[str, Any]:
    from joulefront.launch import launch_study
    from joulefront.spec import Budget, Float, Objective, Search, StudySpec

    with tempfile.TemporaryDirectory(prefix="joulefront-bench-") as name:
        folder = Path(name)
        (folder / "witness").mkdir()
        fixed = {"folder": str(folder / "witness"), "epochs": 1, "busy_seconds": 0.0}
        spec = StudySpec(
            name="sleepers",
            trainable="joulefront.bench.faults.witness:train",
            space={"x": Float(0.0, 1.0)},
            fixed=fixed | {"idle_seconds": seconds, "checkpoints": False},
            objectives=(Objective("score", "maximise"), Objective("cost", "minimise")),
            search=Search(sampler="random", concurrent=concurrent or slots),
            budget=Budget(trials=trials),
        )
        began = time.time()
        launch_study(spec, store=folder / "study")
        first, last = _span(folder / "witness")
    ideal = trials * seconds / slots
    return {
        "case": case,
        "variant": variant,
        "ideal": ideal,
        "seconds": last - first,
        "with_start": last - began,
    }


def _span(books: Path) -> tuple[float, float]:
    from joulefront.bench.faults.outside import witnessed

    seen = witnessed(books).values()
    return min(min(one.began) for one in seen), max(max(one.ends) for one in seen)


def _share(case: str, column: str = "seconds") -> Callable[[Rows, str], float]:
    def statistic(rows: Rows, variant: str) -> float:
        key = ("utilisation", case, variant)
        found = [
            r for r in rows if r["what"] == key[0] and (r["case"], r.get("variant")) == key[1:]
        ]
        return float(found[0]["ideal"] / found[0][column]) if found else float("nan")

    return statistic


_INF = float("inf")

# fmt: off
FIGURES: tuple[Figure[str], ...] = (
    Figure("utilisation_4x1", "ideal ÷ time of trials of 1 s on 4 slots", (0.95, _INF),
           _share("4x1"), "joulefront", "leaves every other slot empty", "half"),
    Figure("utilisation_16x10", "the same of 10 s on 16 slots", (0.95, _INF),
           _share("16x10"), "joulefront", "leaves every other slot empty", "half"),
    Figure("utilisation_16x1", "the same of 1 s on 16 slots", None, _share("16x1"), "joulefront"),
    Figure("utilisation_16x10_with_start", "16 slots × 10 s, the study's start included", None,
           _share("16x10", "with_start"), "joulefront"),
)
# fmt: on
