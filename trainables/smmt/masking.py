"""Random masking in training, in two readings of the paper, which describes both.

- element: x̃ = x ⊙ m, m ~ Bernoulli(1 - r) for each coordinate of a modality's representation after
  cross-attention (SMMT, section III-C). As printed there is no rescaling by 1 / (1 - r); the layer
  norms that follow take the scale away.
- modality: a present modality is left out altogether with probability r before it is tokenised, so
  that nothing of it is computed (modality dropout of 3MT, arXiv 2210.00255). Of what a sample has,
  at least one modality stays.

Neither does anything at evaluation. Shapes: `B` samples, `M` modalities, `D` width.
"""

from __future__ import annotations

import torch
from torch import Tensor


def mask_elements(rows: Tensor, ratio: float, generator: torch.Generator | None) -> Tensor:
    """Zero each coordinate of (B, D) rows with probability `ratio`."""
    draw = torch.rand(rows.shape, generator=generator, device=rows.device)
    return rows * (draw >= ratio)


def drop_modalities(present: Tensor, ratio: float, generator: torch.Generator | None) -> Tensor:
    """Drop each present modality with probability `ratio`, never a sample's last.

    Args:
        present: (B, M) bool on the CPU.
        ratio: In [0, 1]; 1 leaves exactly one modality.
        generator: Of any device; one number for each entry is drawn.

    Returns:
        (B, M) bool; a sample without any stays without any.
    """
    device = "cpu" if generator is None else generator.device
    draw = torch.rand(present.shape, generator=generator, device=device).cpu()
    spared = draw.masked_fill(~present, -1).argmax(dim=1, keepdim=True)
    kept = (draw >= ratio).scatter(1, spared, True)
    return present & kept
