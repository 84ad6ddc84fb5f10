from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from trainables.smmt.costs import attention_costs


def costs(model, batch) -> dict[str, float]:
    with torch.no_grad():
        return model.eval().costs(batch)


def test_dense_attention_is_one_cluster_of_all_pairs(make_model, batch) -> None:
    found = costs(make_model(attention="dense"), batch)
    assert found == {"clusters_effective": 1, "attention_pairs_share": 1}


def test_clusters_are_counted_where_they_are_made_and_only_there(make_model, batch) -> None:
    values = {"attention": "cluster", "clusters": 4, "sparsity_gate": False, "layers": 2}
    below = costs(make_model(**values), batch)
    assert below == {"clusters_effective": 1, "attention_pairs_share": 1}
    made = costs(make_model(**values, exact_clusters=True), batch)
    assert 2 < made["clusters_effective"] <= 4
    assert 1 / 4 <= made["attention_pairs_share"] < 0.9


def test_it_is_the_account_of_the_last_modality(make_model, batch) -> None:
    model = make_model(attention="balanced", block_size=8, exact_clusters=True, sparsity_gate=False)
    (layer,) = model.attentions("image")
    rows = torch.zeros(3 * 32, 16)
    work = layer.work(rows, (32,) * 3)
    found = costs(model, batch)
    assert found["clusters_effective"] == work.clusters == 4
    assert found["attention_pairs_share"] == pytest.approx(work.pairs / (3 * 32**2))


def test_nothing_is_known_where_nobody_has_that_modality(make_model, batch) -> None:
    blind = replace(batch, present=batch.present & torch.tensor([True, True, False]))
    assert all(math.isnan(value) for value in costs(make_model(), blind).values())


def test_the_hooks_are_gone_afterwards(make_model, batch) -> None:
    model = make_model()
    attention_costs(model.attentions("image"), lambda: model.eval()(batch))
    assert not any(module._forward_hooks for module in model.modules())
