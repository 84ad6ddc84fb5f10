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

from joulefront.bench import BenchResult
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


SHIPPED = Plan(
    data={"cohort": "synthetic_ad", "subjects": 240, "seed": 0, "image_size": 96},
    config=Config(epochs=8),
    penalties=(0.0, 0.03, 0.1, 0.3, 1.0),
    seeds=(0, 1, 2),
)


def run() -> BenchResult:
    """Run the bench on one thread: 24 timed and 2 counted trials, some minutes."""
    return measure(SHIPPED)


def measure(plan: Plan) -> BenchResult:
    """Run a plan.

    Returns:
        Figures: spearman, of λ and CPU-seconds over all trials; flops_share_at_top, FLOPs of the
        largest λ over those of λ = 0, first seed; cost_of_gate, CPU-seconds at λ = 0 over those
        without a gate, minus 1: the median over seeds and two pairs of each, of which the second
        is a quarter as long and runs in opposite order.
    """
    _trial(plan, replace(plan.config, epochs=1), plan.seeds[0])  # first-time costs of the process
    ordered = [(0.0, False), *((value, True) for value in plan.penalties)]
    rows = [
        _observe(plan, seed, penalty, gate, repeat)
        for seed in plan.seeds
        for repeat, runs in enumerate((ordered, [(0.0, True), (0.0, False)]))
        for penalty, gate in runs
    ]
    ends = (plan.penalties[0], plan.penalties[-1])
    flops = {penalty: count_flops(plan, penalty) for penalty in ends}
    whole = [row for row in rows if row["repeat"] == 0]
    gated = [row for row in whole if row["gate"]]
    figures = {
        "spearman": float(
            spearmanr(
                [row["sparsity_penalty"] for row in gated], [row["cpu_seconds"] for row in gated]
            ).statistic
        ),
        "flops_share_at_top": flops[ends[1]] / flops[ends[0]],
        "cost_of_gate": _cost_of_gate(rows),
    }
    counted = [
        {"seed": plan.seeds[0], "sparsity_penalty": value, "gate": True, "window_flops": number}
        for value, number in flops.items()
    ]
    return BenchResult(figures=figures, observations=[*rows, *counted], table=_table(whole, flops))


def count_flops(plan: Plan, penalty: float) -> float:
    """Count the FLOPs of one trial's energy window, first seed."""
    window = Window()
    config = replace(plan.config, sparsity_penalty=penalty)
    _call(config, HarnessTrial(data=plan.data, seed=plan.seeds[0], window=window.flops()))
    return window.value


def _observe(plan: Plan, seed: int, penalty: float, gate: bool, repeat: int) -> dict[str, Any]:
    epochs = plan.config.epochs if repeat == 0 else max(1, plan.config.epochs // 4)
    config = replace(plan.config, sparsity_penalty=penalty, sparsity_gate=gate, epochs=epochs)
    seconds, trial = _trial(plan, config, seed)
    last = trial.reports[-1]
    return {
        "seed": seed,
        "sparsity_penalty": penalty,
        "gate": gate,
        "repeat": repeat,
        "epochs": epochs,
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
    seconds = {
        (row["seed"], row["repeat"], row["gate"]): row["cpu_seconds"]
        for row in rows
        if row["sparsity_penalty"] == 0
    }
    pairs = sorted({(seed, repeat) for seed, repeat, _ in seconds})
    ratios = [float(seconds[*pair, True] / seconds[*pair, False]) for pair in pairs]
    return statistics.median(ratios) - 1


def _table(rows: Sequence[Mapping[str, Any]], flops: Mapping[float, float]) -> str:
    lines = ["      λ  CPU-seconds (median, range)  GFLOP  kept at the end"]
    for penalty, gate in dict.fromkeys((row["sparsity_penalty"], row["gate"]) for row in rows):
        same = [r for r in rows if (r["sparsity_penalty"], r["gate"]) == (penalty, gate)]
        seconds = [row["cpu_seconds"] for row in same]
        spread = f"{min(seconds):.2f}–{max(seconds):.2f}"
        label = f"{penalty:7g}" if gate else "no gate"
        counted = f"{flops[penalty] / 1e9:5.0f}" if gate and penalty in flops else "    –"
        kept = statistics.median(row["kept_share"] for row in same)
        middle = f"{statistics.median(seconds):.2f}, {spread}"
        lines.append(f"{label}  {middle:>27}  {counted}  {kept:15.3f}")
    return "\n".join(lines)
