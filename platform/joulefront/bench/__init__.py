"""Figures that anyone can take on their own machine, with the raw observations."""

from __future__ import annotations

from joulefront.bench.result import BENCHES, Bench, BenchResult, load_bench

__all__ = ["BENCHES", "Bench", "BenchResult", "load_bench"]
