"""Figures that anyone can take on their own machine, with the raw observations."""

from __future__ import annotations

from joulefront.bench.figures import Figure, Rows, figure_table, figure_values
from joulefront.bench.result import BENCHES, Bench, BenchResult, load_bench
from joulefront.bench.tables import format_table

__all__ = [
    "BENCHES",
    "Bench",
    "BenchResult",
    "Figure",
    "Rows",
    "figure_table",
    "figure_values",
    "format_table",
    "load_bench",
]
