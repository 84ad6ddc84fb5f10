from __future__ import annotations

import pytest
import torch

from trainables.attention import ATTENTIONS, load_attention
from trainables.bench.attention.data import build_layer, gaussian_rows
from trainables.bench.attention.mutants import MUTANTS, MaskedBalanced, posing
from trainables.flops import count_flops

LENGTHS = [200, 0, 256]


@pytest.mark.parametrize("variant", ["balanced:masked", "balanced:scored", "cluster:masked"])
def test_a_masked_product_is_right_and_computes_all_pairs(variant) -> None:
    name = variant.partition(":")[0]
    honest, mutant = (build_layer(one, 32, 256, exact=True).double() for one in (name, variant))
    rows = gaussian_rows(1, sum(LENGTHS), 32).double()
    torch.testing.assert_close(mutant(rows, LENGTHS), honest(rows, LENGTHS), atol=1e-12, rtol=0)
    flops = [count_flops(lambda one=one: one(rows, LENGTHS)) for one in (mutant, honest)]
    assert flops[0] > 1.3 * flops[1]


def test_a_detached_pattern_has_no_gradient_of_its_price() -> None:
    rows, lengths = gaussian_rows(1, 256, 32), [256]
    shares = []
    for variant in ("lspg", "lspg:detached"):
        layer = build_layer(variant, 32, 256)
        layer(rows, lengths)
        shares.append(layer.expected_share)
    assert shares[0].requires_grad
    assert not shares[1].requires_grad
    assert shares[0].item() == shares[1].item()


def test_a_mutant_poses_only_while_asked() -> None:
    before = dict(ATTENTIONS)
    with posing("balanced:masked") as name:
        assert load_attention(name) is MaskedBalanced
    with posing("dense") as name:
        assert name == "dense"
    assert before == ATTENTIONS
    assert {variant.partition(":")[0] for variant in MUTANTS} <= before.keys()
