from __future__ import annotations

import math

import pytest

from trainables.bench.attention.statistics import (
    exponent,
    flops_share,
    mass_over,
    memory_ratio,
    speedup,
    worst_error,
    worst_speedup,
)


def timed(variant: str, tokens: int, *seconds: float, width: int = 128, batch: int = 1):
    shape = {"situation": "time", "variant": variant, "width": width, "tokens": tokens}
    return [shape | {"batch": batch, "seconds": one} for one in seconds]


def test_a_speedup_compares_the_best_rounds_of_one_shape() -> None:
    rows = [*timed("dense", 64, 9, 8), *timed("balanced", 64, 2, 5), *timed("balanced", 128, 1)]
    rows += timed("balanced", 64, 0.1, width=512)
    assert speedup(situation="time", width=128, tokens=64)(rows, "balanced") == 4
    assert math.isnan(speedup(situation="time", width=128, tokens=32)(rows, "balanced"))


def test_the_worst_of_several_lengths_is_unknown_where_one_is_missing() -> None:
    rows = [*timed("dense", 64, 8), *timed("balanced", 64, 2)]
    rows += [*timed("dense", 128, 8), *timed("balanced", 128, 10)]
    assert worst_speedup(128, (64, 128))(rows, "balanced") == 0.8
    assert math.isnan(worst_speedup(128, (64, 128, 256))(rows, "balanced"))


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0])
def test_the_exponent_is_that_of_a_power_law(power) -> None:
    rows = [row for n in (512, 1024, 4096) for row in timed("balanced", n, 3e-6 * n**power)]
    rows += [*timed("balanced", 64, 99), *timed("balanced", 2048, 99, batch=2)]
    assert exponent(128, 512)(rows, "balanced") == pytest.approx(power)


def test_an_exponent_needs_two_lengths() -> None:
    assert math.isnan(exponent(128, 512)(timed("balanced", 512, 1), "balanced"))


def test_memory_is_compared_at_one_shape() -> None:
    shape = {"situation": "memory", "width": 512, "tokens": 4096}
    rows = [shape | {"variant": "balanced", "bytes": n} for n in (90, 110)]
    rows += [shape | {"variant": "balanced:scored", "bytes": 1000}]
    statistic = memory_ratio(512, 4096, "balanced:scored")
    assert statistic(rows, "balanced") == 0.1
    assert statistic(rows, "balanced:scored") == 1
    assert math.isnan(memory_ratio(512, 64, "balanced:scored")(rows, "balanced"))


def test_an_epoch_compares_the_best_rounds() -> None:
    rows = [
        {"situation": "epoch", "variant": variant, "seconds": seconds}
        for variant, seconds in (("dense", 5), ("dense", 4), ("balanced", 2), ("balanced", 3))
    ]
    assert speedup(situation="epoch")(rows, "balanced") == 2
    assert speedup(situation="epoch")(rows, "dense") == 1


def test_mass_is_the_mean_and_the_least_of_several() -> None:
    kept = {"balanced": (0.2, 0.4), "cluster": (0.6, 0.6), "random": (0.1, 0.1)}
    rows = [
        {"situation": "mass", "variant": name, "mass": mass}
        for name, masses in kept.items()
        for mass in masses
    ]
    assert mass_over("cluster")(rows, "balanced") == pytest.approx(0.5)
    assert mass_over("random")(rows, "balanced, cluster") == pytest.approx(3)
    assert math.isnan(mass_over("random")(rows, "balanced, routing"))


def test_one_unknown_error_makes_the_worst_unknown() -> None:
    rows = [{"situation": "definition", "error": e} for e in (1e-14, 2e-13)]
    assert worst_error(rows, "error") == 2e-13
    assert math.isnan(worst_error(rows, "fault_error"))
    assert math.isnan(worst_error([*rows, {"situation": "definition", "error": math.nan}], "error"))


def test_flops_share_goes_from_the_least_to_the_greatest_penalty() -> None:
    rows = [
        {"situation": "pattern", "variant": "lspg", "penalty": penalty, "flops": flops}
        for penalty, flops in ((1.0, 20), (0.0, 80), (0.5, 60))
    ]
    assert flops_share(rows, "lspg") == 0.25
    assert math.isnan(flops_share(rows, "lspg:detached"))
