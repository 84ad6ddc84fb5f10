"""Tokenisation, which the SMMT paper leaves out: what becomes a token, for each modality.

- image: every slice goes through a small convolutional stem; each patch is one token, with learned
  embeddings of its row, its column and its plane. Several planes are more tokens.
- numeric: each score is one token, made by an MLP of its own from the standardised value; a missing
  score is a learned token of its own.
- categorical: each column is one token from an embedding table; "missing" is one more level.

A modality that a sample lacks altogether gives it no token. Tokens of absent samples are not
computed, and neither are those that the gate drops.

Shapes: `B` samples, `T` tokens of all samples, `D` width, `P` planes, `S` pixels a side, `G` = S /
patch tokens a side, `F` numeric and `C` categorical columns.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

from joulefront.trial import TrainableError
from trainables.attention.ragged import Ragged
from trainables.smmt.gate import TokenGate

HIDDEN = 16  # hidden width of a score's MLP


class ImageTokens(NamedTuple):
    """Tokens of the images that are there.

    Attributes:
        tokens: Kept tokens; 0 of a sample without images.
        share: () expected share of kept tokens, or None without a gate or without images.
        offered: Tokens before the gate, of all samples.
    """

    tokens: Ragged
    share: Tensor | None
    offered: int


class ImageTokeniser(nn.Module):
    """Slices to patch tokens.

    Args:
        planes: P.
        image_size: S, a multiple of `patch_size`.
        patch_size: A power of two; the stem halves the picture log2(patch_size) times.
        width: D.
        gate: Drops tokens, or None to keep all.

    Raises:
        TrainableError: If the picture cannot be cut into patches.
    """

    def __init__(
        self, planes: int, image_size: int, patch_size: int, width: int, gate: TokenGate | None
    ) -> None:
        super().__init__()
        if image_size % patch_size:
            raise TrainableError(
                "patch_size must divide data.image_size",
                given=f"{patch_size} and {image_size}",
                remedy="change one of them in the study file",
            )
        side = image_size // patch_size
        self.stem = _stem(patch_size, width)
        self.row = nn.Parameter(torch.empty(side, 1, width))
        self.column = nn.Parameter(torch.empty(1, side, width))
        self.plane = nn.Parameter(torch.empty(planes, 1, 1, width))
        self.gate = gate

    def forward(
        self, images: Tensor, present: Tensor, generator: torch.Generator | None
    ) -> ImageTokens:
        """Turn (B, P, S, S) slices into tokens of the samples that `present` (B,) names."""
        there = present.nonzero().squeeze(1)
        absent = Ragged(self.row.new_zeros(0, self.row.shape[-1]), (0,) * len(present))
        if len(there) == 0:
            return ImageTokens(absent, None, 0)
        slices = images.index_select(0, there.to(images.device))
        content = self.stem(slices.flatten(0, 1).unsqueeze(1))  # (B·P, D, G, G)
        content = content.flatten(2).transpose(1, 2).contiguous()
        content = content.reshape(len(there), -1, content.shape[-1])  # (B, P·G·G, D)
        position = (self.plane + self.row + self.column).flatten(0, 2)
        lengths = [0] * len(present)
        if self.gate is None:
            rows, share = (content + position).flatten(0, 1), None
            counts = [content.shape[1]] * len(there)
        else:
            kept, weight, share = self.gate(content, generator)
            chosen = kept.flatten().nonzero().squeeze(1)
            rows = (content * weight.unsqueeze(-1) + position).flatten(0, 1)
            rows = rows.index_select(0, chosen)
            counts = kept.sum(1).tolist()
        for place, count in zip(there.tolist(), counts, strict=True):
            lengths[place] = count
        offered = content.shape[0] * content.shape[1]
        return ImageTokens(Ragged(rows, tuple(lengths)), share, offered)


class NumericTokeniser(nn.Module):
    """Scores to tokens.

    Args:
        columns: F.
        width: D.
    """

    def __init__(self, columns: int, width: int) -> None:
        super().__init__()
        self.first = nn.Parameter(torch.empty(columns, HIDDEN))
        self.first_bias = nn.Parameter(torch.empty(columns, HIDDEN))
        self.second = nn.Parameter(torch.empty(columns, HIDDEN, width))
        self.column = nn.Parameter(torch.empty(columns, width))
        self.missing = nn.Parameter(torch.empty(columns, width))

    def forward(self, values: Tensor, missing: Tensor, present: Tensor) -> Ragged:
        """Turn (B, F) values into F tokens of each sample that `present` (B,) names."""
        there = present.nonzero().squeeze(1).to(values.device)
        values, missing = values.index_select(0, there), missing.index_select(0, there)
        hidden = relu(values.unsqueeze(-1) * self.first + self.first_bias)  # (B, F, HIDDEN)
        tokens = torch.einsum("bfh,fhd->bfd", hidden, self.second) + self.column
        tokens = torch.where(missing.unsqueeze(-1), self.missing, tokens)
        return Ragged(tokens.flatten(0, 1), _lengths(present, values.shape[1]))


class CategoricalTokeniser(nn.Module):
    """Levels to tokens.

    Args:
        levels: Number of levels of each of the C columns.
        width: D.
    """

    first_level: Tensor

    def __init__(self, levels: tuple[int, ...], width: int) -> None:
        super().__init__()
        sizes = torch.tensor(levels) + 1  # level 0 of the table is "missing"
        self.register_buffer("first_level", sizes.cumsum(0) - sizes, persistent=False)
        self.table = nn.Embedding(int(sizes.sum()), width)

    def forward(self, values: Tensor, present: Tensor) -> Ragged:
        """Turn (B, C) levels into C tokens of each sample that `present` (B,) names."""
        there = present.nonzero().squeeze(1).to(values.device)
        tokens = self.table(values.index_select(0, there) + 1 + self.first_level)
        return Ragged(tokens.flatten(0, 1), _lengths(present, values.shape[1]))


def _lengths(present: Tensor, tokens: int) -> tuple[int, ...]:
    return tuple(tokens if there else 0 for there in present.tolist())


def _stem(patch_size: int, width: int) -> nn.Sequential:
    """Halve the picture log2(patch_size) times; channels grow up to the width.

    Channels last: a pixel's features lie together as a token's do, and a CPU takes half as long.
    """
    halvings = int(math.log2(patch_size))
    channels = [1] + [max(1, width >> (2 * (halvings - 1 - i))) for i in range(halvings)]
    layers: list[nn.Module] = []
    for place in range(halvings):
        into, out = channels[place], channels[place + 1]
        layers.append(nn.Conv2d(into, out, kernel_size=3, stride=2, padding=1))
        if place < halvings - 1:
            layers += [nn.GroupNorm(1, out), nn.ReLU()]
    stem = nn.Sequential(*layers)
    laid_out: nn.Sequential = stem.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return laid_out
