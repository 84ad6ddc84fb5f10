from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

from trainables.bench.sparsity import PAIRS, SHIPPED, Plan, count_flops, measure
from trainables.smmt import Config
from trainables.smmt.gate import Decision, TokenGate

STUDY = Path(__file__).parents[3] / "studies" / "mask_sweep.yaml"
SMALL = Plan(
    data={"cohort": "synthetic_ad", "subjects": 40, "seed": 0, "image_size": 32},
    config=Config(
        width=16, heads=2, layers=1, attention="dense", epochs=2, batch_size=4, gate_learning_rate=4
    ),
    penalties=(0.0, 1.0),
    seeds=(0,),
)
REACH = 0.6


def flops_share(plan: Plan) -> float:
    return count_flops(plan, plan.penalties[-1]) / count_flops(plan, 0.0)


def masked_instead_of_dropped(
    self: TokenGate, tokens: torch.Tensor, generator: torch.Generator | None
) -> Decision:
    decision = dropping(self, tokens, generator)
    everything = torch.ones_like(decision.kept)
    return replace_decision(decision, everything)


def replace_decision(decision: Decision, kept: torch.Tensor) -> Decision:
    return decision._replace(kept=kept, weight=decision.weight * decision.kept)


dropping = TokenGate.forward


@pytest.mark.slow
def test_the_largest_penalty_computes_much_less() -> None:
    assert flops_share(SMALL) <= REACH


@pytest.mark.slow
def test_masking_tokens_instead_of_dropping_them_misses_the_reach(monkeypatch) -> None:
    monkeypatch.setattr(TokenGate, "forward", masked_instead_of_dropped)
    assert flops_share(SMALL) > 0.9


@pytest.mark.slow
def test_a_penalty_without_gradient_misses_the_reach(monkeypatch) -> None:
    def constant(self, tokens, generator):
        decision = dropping(self, tokens, generator)
        return decision._replace(share=decision.share.detach())

    monkeypatch.setattr(TokenGate, "forward", constant)
    assert flops_share(SMALL) > 0.9


@pytest.mark.slow
def test_figures_rows_and_table() -> None:
    result = measure(replace(SMALL, config=replace(SMALL.config, epochs=1), seeds=(0, 1)))
    assert set(result.figures) == {"spearman", "flops_share_at_top", "cost_of_gate"}
    assert all(math.isfinite(value) for value in result.figures.values())
    timed = [row for row in result.observations if "cpu_seconds" in row]
    assert len(timed) == 2 * (len(SMALL.penalties) + 4 * PAIRS)
    assert "no gate" in result.table
    assert len(result.table.splitlines()) == 2 + 2 + len(SMALL.penalties)


def test_the_shipped_plan_is_the_shipped_study() -> None:
    study = yaml.safe_load(STUDY.read_text())
    assert dict(SHIPPED.data) == study["data"]
    assert replace(SHIPPED.config, **study["fixed"]) == SHIPPED.config
    low, high = study["space"]["sparsity_penalty"]["float"]
    assert all(value == 0 or low <= value <= high for value in SHIPPED.penalties)
    assert SHIPPED.penalties[-1] == high
    assert len(SHIPPED.penalties) == 5
    assert len(SHIPPED.seeds) == 3
