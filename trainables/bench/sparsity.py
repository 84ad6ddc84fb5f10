"""Does the sparsity penalty save work? CPU-seconds and FLOPs of SMMT trials against λ.

Whole trials as the shipped study runs them (studies/mask_sweep.yaml: its cohort, its epochs, its
range of λ), interleaved over λ within each seed, so that a machine that slows down slows all alike.
CPU-seconds come from the operating system, not from joulefront's meter. FLOPs are counted in two
more runs, because counting takes time; all of the energy window is counted, validation too.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from scipy.stats import spearmanr

from joulefront.bench import BenchResult, format_table
from joulefront.trial import TrialContext
from trainables.bench.harness import HarnessTrial, Window
from trainables.smmt import Config
from trainables.smmt.training import train


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What is run.

    Attributes:
        data: The `data` section.
        config: Everything but gate, λ and seed.
        penalties: Values of λ, ascending, the first one 0.
        seeds: Trials of each λ.
    """

    data: Mapping[str, Any]
    config: Config
    penalties: Sequence[float]
    seeds: Sequence[int]


OPEN = 0.999
"""Share of tokens that a gate keeps when its own cost is measured."""

PAIRS = 3
"""Times that each seed compares a gate with none, once in each order, a quarter as long."""

SHIPPED = Plan(
    data={"cohort": "synthetic_ad", "subjects": 240, "seed": 0, "image_size": 96},
    config=Config(epochs=8, exact_clusters=True),
    penalties=(0.0, 0.01, 0.03, 0.06, 0.1),
    seeds=(0, 1, 2),
)


def run() -> BenchResult:
    """Run the bench on one thread: 51 timed and 2 counted trials, some minutes."""
    return measure(SHIPPED)


def measure(plan: Plan) -> BenchResult:
    """Run a plan.

    Returns:
        Figures: spearman, of λ and CPU-seconds over all trials; flops_share_at_top, FLOPs of the
        largest λ over those of λ = 0, first seed; cost_of_gate, CPU-seconds at λ = 0 over those
        without a gate, minus 1, the median over pairs. Its gate is wide open (`OPEN`), because the
        shipped one begins by dropping a tenth of the tokens, and would hide its own cost.
    """
    _trial(plan, replace(plan.config, epochs=1), plan.seeds[0])  # first-time costs of the process
    swept = [replace(plan.config, sparsity_penalty=penalty) for penalty in plan.penalties]
    short = replace(plan.config, epochs=max(1, plan.config.epochs // 4))
    pair = [replace(short, sparsity_gate=False), replace(short, gate_openness=OPEN)]
    rounds = [("sweep", swept), *[("pair", pair), ("pair", pair[::-1])] * PAIRS]
    rows = [
        _observe(plan, seed, what, config)
        for seed in plan.seeds
        for what, configs in rounds
        for config in configs
    ]
    ends = (plan.penalties[0], plan.penalties[-1])
    flops = {penalty: count_flops(plan, penalty) for penalty in ends}
    sweep = [row for row in rows if row["what"] == "sweep"]
    figures = {
        "spearman": float(
            spearmanr(
                [row["sparsity_penalty"] for row in sweep], [row["cpu_seconds"] for row in sweep]
            ).statistic
        ),
        "flops_share_at_top": flops[ends[1]] / flops[ends[0]],
        "cost_of_gate": _cost_of_gate([row for row in rows if row["what"] == "pair"]),
    }
    counted = [
        {"what": "count", "seed": plan.seeds[0], "sparsity_penalty": value, "window_flops": number}
        for value, number in flops.items()
    ]
    return BenchResult(figures=figures, observations=[*rows, *counted], table=_table(rows, flops))


def count_flops(plan: Plan, penalty: float) -> float:
    """Count the FLOPs of one trial's energy window, first seed."""
    window = Window()
    config = replace(plan.config, sparsity_penalty=penalty)
    _call(config, HarnessTrial(data=plan.data, seed=plan.seeds[0], window=window.flops()))
    return window.value


def _observe(plan: Plan, seed: int, what: str, config: Config) -> dict[str, Any]:
    seconds, trial = _trial(plan, config, seed)
    last = trial.reports[-1]
    return {
        "what": what,
        "seed": seed,
        "sparsity_penalty": config.sparsity_penalty,
        "gate": config.gate_openness if config.sparsity_gate else None,
        "cpu_seconds": seconds,
        "kept_share": last["kept_share"],
        "balanced_accuracy": last["balanced_accuracy"],
    }


def _trial(plan: Plan, config: Config, seed: int) -> tuple[float, HarnessTrial]:
    window = Window()
    trial = HarnessTrial(data=plan.data, seed=seed, window=window.cpu_seconds())
    _call(config, trial)
    return window.value, trial


def _call(config: Config, trial: HarnessTrial) -> None:
    train(config, cast(TrialContext, trial))


def _cost_of_gate(rows: Sequence[Mapping[str, Any]]) -> float:
    """Return the median over neighbouring runs of one seed: with a gate over without, minus 1."""
    ratios = []
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        without, gated = (first, second) if first["gate"] is None else (second, first)
        ratios.append(gated["cpu_seconds"] / without["cpu_seconds"])
    return float(statistics.median(ratios)) - 1


def _table(rows: Sequence[Mapping[str, Any]], flops: Mapping[float, float]) -> str:
    cells = []
    for what, penalty, gate in dict.fromkeys(
        (row["what"], row["sparsity_penalty"], row["gate"]) for row in rows
    ):
        same = [
            r
            for r in rows
            if (r["what"], r["sparsity_penalty"], r["gate"]) == (what, penalty, gate)
        ]
        seconds = [row["cpu_seconds"] for row in same]
        counted = what == "sweep" and penalty in flops
        cells.append(
            [
                "no gate" if gate is None else f"λ {penalty:g}, gate open at {gate:g}",
                statistics.median(seconds),
                f"{min(seconds):.2f}–{max(seconds):.2f}",
                f"{flops[penalty] / 1e9:.0f}" if counted else "-",
                f"{statistics.median(row['kept_share'] for row in same):.3f}",
            ]
        )
    return format_table(["runs", "CPU-seconds", "range", "GFLOP", "kept at the end"], cells)
