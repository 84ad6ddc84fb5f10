from __future__ import annotations

import hypothesis.strategies as st
import torch
from hypothesis import given

from trainables.seeding import stream
from trainables.smmt.masking import drop_modalities, mask_elements


@given(ratio=st.floats(0, 1), seed=st.integers(0, 100))
def test_a_sample_keeps_at_least_one_of_what_it_has(ratio: float, seed: int) -> None:
    present = torch.rand(40, 3, generator=stream(seed, "present")) < 0.6
    kept = drop_modalities(present, ratio, stream(seed, "mask"))
    assert not (kept & ~present).any()
    assert torch.equal(kept.any(1), present.any(1))


def test_ratios_at_the_ends() -> None:
    present = torch.ones(50, 3, dtype=torch.bool)
    assert drop_modalities(present, 0.0, stream(0, "mask")).all()
    assert (drop_modalities(present, 1.0, stream(0, "mask")).sum(1) == 1).all()


def test_elements_are_zeroed_at_the_ratio_and_not_rescaled() -> None:
    masked = mask_elements(torch.ones(200, 100), 0.3, stream(0, "mask"))
    assert set(masked.unique().tolist()) == {0.0, 1.0}
    assert abs(masked.mean() - 0.7) < 0.01
