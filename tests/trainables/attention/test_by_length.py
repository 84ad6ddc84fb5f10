from __future__ import annotations

import torch

from trainables.attention.by_length import mix_by_length


def test_samples_of_one_length_are_mixed_together_and_put_back() -> None:
    qkv = torch.arange(3 * 4 * 2 * 5, dtype=torch.float64).view(3, 4, 1, 5, 2)
    seen = []

    def mix(part: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(part.shape))
        return part[2] + part.shape[3]

    found = mix_by_length(qkv, (5, 2, 0, 2), mix)
    assert seen == [(3, 2, 1, 2, 2), (3, 1, 1, 5, 2)]
    expected = torch.zeros_like(found)
    for sample, length in enumerate((5, 2, 0, 2)):
        expected[sample, :, :length] = qkv[2, sample, :, :length] + length
    assert torch.equal(found, expected)
