"""What a bench gives, and where the benches are: `study bench NAME` prints one.

A bench is a function `run() -> BenchResult` that takes its figures on the machine it is called on;
one that can do more with more time takes `full: bool = False`.
Those of models live beside the models and are only named here.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from joulefront.errors import JoulefrontError

Bench = Callable[..., "BenchResult"]

BENCHES = {
    "attention": "trainables.bench.attention.run:run",
    "energy": "joulefront.bench.energy.run:run",
    "faults": "joulefront.bench.faults.run:run",
    "overhead": "joulefront.bench.overhead:run",
    "search": "joulefront.bench.search.run:run",
    "sparsity": "trainables.bench.sparsity:run",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchResult:
    """Figures and what they were taken from.

    Attributes:
        figures: The few numbers that the bench is about, by name.
        observations: Every single measurement, as JSON-able rows.
        table: The same for people, some lines of text.
    """

    figures: Mapping[str, float]
    observations: Sequence[Mapping[str, Any]]
    table: str

    def to_dict(self) -> dict[str, Any]:
        """Return {"figures": …, "observations": …}, ready for JSON."""
        return {
            "figures": dict(self.figures),
            "observations": [dict(row) for row in self.observations],
        }


def load_bench(name: str) -> Bench:
    """Import the bench of that name.

    Raises:
        JoulefrontError: If no bench has that name.
    """
    if name not in BENCHES:
        close = difflib.get_close_matches(name, BENCHES, n=1)
        raise JoulefrontError(
            f"the bench must be one of {', '.join(BENCHES)}",
            given=repr(name),
            remedy=f"did you mean {close[0]}?" if close else "",
        )
    module, attribute = BENCHES[name].split(":")
    found: Bench = getattr(import_module(module), attribute)
    return found
