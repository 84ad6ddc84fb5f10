from __future__ import annotations

import os

import pytest
import torch

from trainables.bench.attention.cost import one_thread
from trainables.bench.attention.data import gaussian_rows
from trainables.bench.attention.plan import batch_of, timed_tasks
from trainables.bench.attention.worker import TASKS, delegate, describe_allocator, perform

DATA = {"cohort": "synthetic_ad", "subjects": 40, "image_size": 32}
CONFIG = {"epochs": 1, "width": 16, "heads": 2, "layers": 1, "patch_size": 4, "batch_size": 8}
CONFIG |= {"sparsity_gate": False}
SHAPE = {"width": 128, "tokens": 256}


def test_rounds_are_interleaved_and_every_second_is_reversed() -> None:
    variants = ["dense", "balanced", "balanced:masked", "cluster:exact"]
    timing = SHAPE | {"batch": 2, "rounds": 2, "variants": variants}
    rows = list(perform("time", timing))
    timed = [row for row in rows if row["situation"] == "time"]
    assert [row["variant"] for row in timed] == variants + variants[::-1]
    assert all(row["seconds"] > 0 for row in timed)
    clusters = {row["variant"]: row["clusters"] for row in rows if row["situation"] == "account"}
    assert clusters == {"dense": 1, "balanced": 4, "balanced:masked": 4, "cluster:exact": 8}


@pytest.mark.slow
def test_a_worker_has_the_allocator_setting_and_this_process_keeps_its_own() -> None:
    before = os.environ.get("THP_MEM_ALLOC_ENABLE")
    rows = delegate("memory", {"variant": "balanced:scored", "round": 0} | SHAPE)
    assert os.environ.get("THP_MEM_ALLOC_ENABLE") == before
    assert "THP_MEM_ALLOC_ENABLE=1" in describe_allocator()
    assert rows[0]["bytes"] >= 4 * 4 * 256**2  # scores of four heads


def test_what_is_compared_with_the_definition() -> None:
    (row,) = perform("definition", {"variant": "balanced"} | SHAPE)
    assert row["error"] < 1e-10 < row["fault_error"]
    assert row["mass_pairs"] == 0.25
    assert 0.25 < row["mass"] < 1
    assert row["dense_error"] > 0.01
    (row,) = perform("definition", {"variant": "dense"} | SHAPE)
    assert row["dense_error"] == 0
    assert row["mass"] == pytest.approx(1)


def test_compressed_keys_have_no_mass() -> None:
    (row,) = perform("definition", {"variant": "performer"} | SHAPE)
    assert row["error"] < 1e-10
    assert "mass" not in row
    assert "fault_error" not in row


@pytest.mark.slow
def test_a_price_moves_the_flops_of_an_honest_gate_only() -> None:
    variants = ["lspg", "lspg:detached"]
    rows = list(perform("pattern", {"variants": variants, "penalties": [0.0, 1.0], "steps": 15}))
    honest, detached = rows[:2], rows[2:]
    assert honest[1]["flops"] < 0.6 * honest[0]["flops"]
    assert detached[1]["flops"] == detached[0]["flops"]


@pytest.mark.slow
def test_epochs_take_turns() -> None:
    variants = ["dense", "balanced:masked"]
    rows = list(
        perform("epochs", {"data": DATA, "config": CONFIG, "rounds": 1, "variants": variants})
    )
    assert [row["variant"] for row in rows] == variants
    assert all(row["seconds"] > 0 for row in rows)


@pytest.mark.slow
def test_mass_of_a_trained_models_tokens() -> None:
    rows = list(perform("mass", {"data": DATA, "config": CONFIG, "clusters": 4, "samples": 3}))
    assert {row["tokens"] for row in rows} == {64}
    names = ("random", "cluster", "best")
    by_variant = {name: [r for r in rows if r["variant"] == name] for name in names}
    assert [len(found) for found in by_variant.values()] == [3, 3, 3]
    assert all(row["pairs_share"] == 0.25 for row in by_variant["random"])
    assert all(0 < row["mass"] <= 1 for row in rows)
    for best, random in zip(by_variant["best"], by_variant["random"], strict=True):
        assert best["pairs_share"] == 0.25
        assert best["mass"] > random["mass"]


def test_rows_are_a_mixture_of_gaussians_of_unit_means() -> None:
    rows = gaussian_rows(2, 500, 64)
    assert rows.shape == (1000, 64)
    assert rows.var().item() == pytest.approx(1.25, rel=0.1)
    assert not torch.equal(rows[:500], rows[500:])


def test_one_thread_is_restored() -> None:
    before = torch.get_num_threads()
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


def test_the_plan_names_tasks_and_batches_as_the_reference_timings() -> None:
    assert {task.name for task in timed_tasks()} <= TASKS.keys()
    assert [batch_of(512, n) for n in (64, 512, 1024, 2048, 4096, 8192)] == [8, 8, 4, 2, 1, 1]
    assert [batch_of(128, n) for n in (64, 1024, 16384)] == [4, 4, 1]
