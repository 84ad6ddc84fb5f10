from __future__ import annotations

import math

import pytest
import torch

from trainables.attention.ragged import Ragged
from trainables.seeding import stream
from trainables.smmt.fusion import CrossAttention, aggregate
from trainables.smmt.model import initialise

WIDTH, HEADS = 8, 2


@pytest.mark.parametrize("lengths", [(4, 4, 4), (1, 0, 5), (0, 0, 0), (0, 3, 3)])
def test_equals_one_sample_at_a_time_in_plain_softmax(lengths: tuple[int, ...]) -> None:
    layer = CrossAttention(WIDTH, HEADS, 2)
    initialise(layer, stream(0, "weights"))
    query, rows = torch.randn(3, WIDTH), torch.randn(sum(lengths), WIDTH)
    found = layer(query, Ragged(rows, lengths))
    for one, part, out in zip(query, rows.split(lengths), found, strict=True):
        if not len(part):
            assert torch.equal(out, one)
            continue
        q = layer.query(layer.norm_query(one)).view(HEADS, 1, -1)
        keys = layer.key_value(layer.norm_tokens(part)).view(len(part), 2, HEADS, -1)
        k, v = keys.permute(1, 2, 0, 3)
        weight = (q @ k.transpose(1, 2) / math.sqrt(WIDTH / HEADS)).softmax(-1)
        new = one + layer.out((weight @ v).reshape(WIDTH))
        torch.testing.assert_close(out, new + layer.feedforward(new))


def test_the_mean_is_over_what_a_sample_has() -> None:
    parts = [torch.full((3, 2), 1.0), torch.full((3, 2), 5.0)]
    present = torch.tensor([[True, True], [False, True], [False, False]])
    found = aggregate(parts, present, torch.full((3, 2), -1.0))
    assert found[:, 0].tolist() == [3.0, 5.0, -1.0]
