from __future__ import annotations

import pytest
import torch

from trainables.attention.longformer import LongformerAttention
from trainables.bench.attention.oracles.longformer import oracle


@pytest.mark.parametrize("window", [1, 2, 3, 7, 200])
@pytest.mark.parametrize("global_tokens", [0, 1, 9])
def test_the_window_is_exact_to_the_token(window: int, global_tokens: int, make_rows) -> None:
    layer = LongformerAttention(16, 4, window=window, global_tokens=global_tokens).double()
    lengths = (37, 0, 5, 8)
    rows = make_rows(lengths)
    slow = torch.cat([oracle(layer, one).output for one in rows.split(lengths) if len(one)])
    torch.testing.assert_close(layer(rows, lengths), slow, atol=1e-10, rtol=0)


def test_a_window_of_one_token_without_global_ones_is_the_value_itself(make_rows) -> None:
    layer = LongformerAttention(16, 4, window=1, global_tokens=0).double()
    rows = make_rows((12,))
    torch.testing.assert_close(layer(rows, (12,)), layer.out(layer.qkv(rows)[:, 32:]))


def test_pairs_grow_linearly(make_layer, make_rows) -> None:
    layer = make_layer("longformer")
    few, many = (layer.work(make_rows((n,)), (n,)).pairs for n in (256, 1024))
    assert 4 <= many / few < 4.2
