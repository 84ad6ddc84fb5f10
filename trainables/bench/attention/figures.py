"""The figures of `study bench attention`: what they mean, what they must reach, and their mutants.

A mutant is an attention with one known fault that was measured beside the honest one. Where it
does not miss the reach, the figure shows nothing.
"""

from __future__ import annotations

import math
from typing import Any

from joulefront.bench import Figure, Rows, format_table
from trainables.attention import ATTENTIONS
from trainables.bench.attention.mass import BEST, CHANCE
from trainables.bench.attention.statistics import (
    chosen,
    exponent,
    flops_share,
    mass_over,
    median,
    memory_ratio,
    speedup,
    worst_error,
    worst_speedup,
)


def _faster(name: str, width: int, tokens: int, reach: float) -> Figure[str]:
    return Figure(
        f"{name}_{width}_{tokens}",
        f"{name}, width {width}, n = {tokens}: dense ÷ its time",
        (reach, math.inf),
        speedup(situation="time", width=width, tokens=tokens),
        name,
        "a masked product of all pairs",
        f"{name}:masked",
    )


_SMALL = (64, 128, 256)

# fmt: off
FIGURES: tuple[Figure[str], ...] = (
    _faster("balanced", 128, 1024, 3.9),
    _faster("balanced", 128, 2048, 6.5),
    _faster("balanced", 128, 4096, 12),
    _faster("balanced", 128, 8192, 22),
    _faster("balanced", 512, 2048, 3),
    _faster("balanced", 512, 4096, 5),
    _faster("balanced", 512, 8192, 9.5),
    _faster("cluster", 128, 2048, 4),
    _faster("cluster", 128, 4096, 5.5),
    Figure("balanced_exponent", "growth of balanced's time, 512 → 16384 tokens, width 128",
           (0, 1.1), exponent(128, 512), "balanced",
           "a masked product of all pairs", "balanced:masked"),
    Figure("balanced_small_n", "balanced as shipped, worst of n = 64, 128, 256, width 128",
           (0.95, math.inf), worst_speedup(128, _SMALL), "balanced",
           "K-Means clusters at any length", "cluster:exact"),
    Figure("balanced_small_n_512", "the same at width 512", None,
           worst_speedup(512, _SMALL), "balanced"),
    Figure("memory_ratio_4096", "balanced's peak memory ÷ n × n scores, n = 4096, width 512",
           (0, 0.1), memory_ratio(512, 4096, "balanced:scored"), "balanced",
           "n × n scores, then a mask", "balanced:scored"),
    Figure("epoch_speedup", "an epoch of SMMT (96 pixels, patch 4, width 64): dense ÷ balanced",
           (2, math.inf), speedup(situation="epoch"), "balanced",
           "a masked product of all pairs", "balanced:masked"),
    Figure("mass_balanced_over_cluster", "attention mass kept at k = 16: balanced ÷ cluster", None,
           mass_over("cluster"), "balanced"),
    Figure("mass_over_random", "the lesser of both ÷ random clusters",
           (2, math.inf), mass_over(CHANCE[0]), "balanced, cluster",
           "random clusters", CHANCE[1]),
    Figure("mass_best_over_random", "each query's heaviest n / k keys ÷ random: the ceiling", None,
           mass_over(CHANCE[0]), BEST),
    Figure("oracle_error", "worst difference to an oracle, float64, values and gradients",
           (0, 1e-10), worst_error, "error",
           "the oracle has one pair more", "fault_error"),
    Figure("lspg_flops_share", "lspg's FLOPs trained at λ = 1 ÷ at λ = 0",
           (0, 0.6), flops_share, "lspg", "the gate carries no gradient", "lspg:detached"),
)
# fmt: on


def attention_table(rows: Rows, width: int, tokens: int) -> str:
    """Return an attention a line: what it costs at one shape, and what it computes."""
    header = ["attention", "f+b ms", "× dense", "peak MB", "GFLOP", "clusters", "oracle error"]
    header += ["pairs", "mass kept", "error to dense"]
    return format_table(header, [_cells(rows, name, width, tokens) for name in ATTENTIONS])


def _cells(rows: Rows, name: str, width: int, tokens: int) -> list[Any]:
    shape = {"variant": name, "width": width, "tokens": tokens}
    seconds = [row["seconds"] for row in chosen(rows, situation="time", **shape)]
    times = speedup(situation="time", width=width, tokens=tokens)
    account = chosen(rows, situation="account", **shape)
    against = chosen(rows, situation="definition", variant=name)
    return [
        name,
        1e3 * min(seconds, default=math.nan),
        times(rows, name),
        median(chosen(rows, situation="memory", **shape), "bytes") / 1e6,
        median(account, "flops") / 1e9,
        median(account, "clusters"),
        median(against, "error"),
        median(against, "mass_pairs") if against and "mass" in against[0] else "-",
        median(against, "mass") if against and "mass" in against[0] else "-",
        median(against, "dense_error"),
    ]
