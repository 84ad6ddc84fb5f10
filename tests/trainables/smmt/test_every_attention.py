"""Every attention inside SMMT: what a study relies on, whatever it searches."""

from __future__ import annotations

import math
from functools import cache

import pytest

from joulefront.testing import RecordingTrial
from trainables.attention import ATTENTIONS
from trainables.smmt import Config, train

TINY = {
    "width": 16,
    "heads": 2,
    "layers": 1,
    "block_size": 8,
    "clusters": 4,
    "exact_clusters": True,
    "sparsity_gate": False,
    "learning_rate": 3e-3,
}
COHORT = {"cohort": "synthetic_ad", "subjects": 60, "seed": 0, "image_size": 32}
EPOCH = {"train_loss", "loss", "balanced_accuracy", "roc_auc", "kept_share", "samples_per_second"}
CLOSING = {
    "parameters",
    "flops_per_sample",
    "latency_seconds",
    "peak_memory_bytes",
    "clusters_effective",
    "attention_pairs_share",
    "test_balanced_accuracy",
}


@cache
def trained(name: str, **values: object) -> RecordingTrial:
    trial = RecordingTrial(data=COHORT)
    train(Config(**(TINY | {"attention": name, "epochs": 3} | values)), trial)
    return trial


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(ATTENTIONS))
def test_it_learns_and_says_all_about_itself(name: str) -> None:
    trial = trained(name)
    losses = [report["train_loss"] for report in trial.reports]
    assert losses[-1] < losses[0] - 0.02
    assert trial.reports[0].keys() >= EPOCH
    assert trial.finished.keys() >= CLOSING
    assert all(math.isfinite(trial.finished[metric]) for metric in CLOSING)


@pytest.mark.parametrize("name", ["balanced", "cluster"])
def test_a_sparse_one_computes_less_than_the_dense_one(name: str) -> None:
    sparse, dense = trained(name).finished, trained("dense").finished
    assert dense["attention_pairs_share"] == dense["clusters_effective"] == 1
    assert sparse["attention_pairs_share"] < 0.6
    assert sparse["clusters_effective"] > 2


@pytest.mark.parametrize("name", ["balanced", "cluster"])
def test_below_the_crossover_it_is_dense_and_says_so(name: str) -> None:
    found = trained(name, exact_clusters=False, epochs=1).finished
    assert found["attention_pairs_share"] == found["clusters_effective"] == 1


@pytest.mark.slow
def test_the_price_of_a_learned_pattern_moves_its_work() -> None:
    free = trained("lspg").finished["flops_per_sample"]
    dear = trained("lspg", attention_penalty=3.0).finished["flops_per_sample"]
    assert dear < 0.98 * free
