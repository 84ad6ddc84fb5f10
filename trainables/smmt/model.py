"""SMMT: tokens of each modality → self-attention blocks → cascaded cross-attention → MLP head.

Notable features: packed tokens without padding, so that absent modalities and dropped tokens cost
nothing; dense or cluster-sparse self-attention; a gate on image tokens; masking of modalities.

Shapes: `B` samples, `T` tokens of all samples, `D` width.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from trainables.attention import load_attention
from trainables.attention.blocks import AttentionOptions
from trainables.attention.ragged import Ragged
from trainables.smmt.batch import MODALITIES, Batch, InputShape
from trainables.smmt.config import Config
from trainables.smmt.fusion import CrossAttention, FeedForward, aggregate
from trainables.smmt.gate import TokenGate
from trainables.smmt.masking import drop_modalities, mask_elements
from trainables.smmt.tokens import CategoricalTokeniser, ImageTokeniser, NumericTokeniser

CLASSES = 2


class Output(NamedTuple):
    """What a forward pass gives.

    Attributes:
        logits: (B, 2).
        expected_share: () share of image tokens that the gate is expected to keep; 1 where there
            is no gate or no image.
        kept: Image tokens that were computed.
        offered: Image tokens before the gate.
    """

    logits: Tensor
    expected_share: Tensor
    kept: int
    offered: int


class Block(nn.Module):
    """Pre-norm self-attention and MLP on packed tokens."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        options = AttentionOptions(
            width=config.width,
            heads=config.heads,
            clusters=config.clusters,
            kmeans_iterations=config.kmeans_iterations,
        )
        self.norm = nn.LayerNorm(config.width)
        self.attention = load_attention(config.attention).build(options)
        self.feedforward = FeedForward(config.width, config.feedforward_ratio)

    def forward(self, tokens: Ragged) -> Ragged:
        """Mix (T, D) tokens inside their samples."""
        rows = tokens.rows + self.attention(self.norm(tokens.rows), tokens.lengths)
        return Ragged(rows + self.feedforward(rows), tokens.lengths)


class SMMT(nn.Module):
    """The sparse multimodal transformer for two classes.

    Args:
        config: Hyperparameters.
        shape: Of the inputs; a modality without columns has no parameters.
        generator: Of the initial weights; torch's own generators are not drawn from.

    Raises:
        TrainableError: If the pictures cannot be cut into patches.
    """

    def __init__(self, config: Config, shape: InputShape, generator: torch.Generator) -> None:
        super().__init__()
        self.config = config
        self.tokenisers = nn.ModuleDict()
        if shape.levels:
            self.tokenisers["categorical"] = CategoricalTokeniser(shape.levels, config.width)
        if shape.numeric:
            self.tokenisers["numeric"] = NumericTokeniser(shape.numeric, config.width)
        if shape.planes:
            gate = TokenGate(config.width, config.gate_openness) if config.sparsity_gate else None
            self.tokenisers["image"] = ImageTokeniser(
                shape.planes, shape.image_size, config.patch_size, config.width, gate
            )
        names = [name for name in MODALITIES if name in self.tokenisers]
        self.blocks = nn.ModuleDict(
            {name: nn.Sequential(*(Block(config) for _ in range(config.layers))) for name in names}
        )
        self.cascade = nn.ModuleDict(
            {
                name: CrossAttention(config.width, config.heads, config.feedforward_ratio)
                for name in names
            }
        )
        self.query = nn.Parameter(torch.empty(1, config.width))
        self.head = nn.Sequential(
            nn.LayerNorm(config.width),
            nn.Linear(config.width, config.width),
            nn.ReLU(),
            nn.Linear(config.width, CLASSES),
        )
        initialise(self, generator)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> Output:
        """Classify a batch; the generator of gate and masking is drawn from in training only."""
        config = self.config
        present = batch.present
        if self.training and config.masking == "modality":
            present = drop_modalities(present, config.masking_ratio, generator)
        query = first = self.query.repeat(len(batch), 1)
        share, kept, offered = query.new_ones(()), 0, 0
        representations, there = [], []
        for place, name in enumerate(MODALITIES):
            if name not in self.tokenisers:
                continue
            if name == "image":
                tokens, expected, offered = self.tokenisers[name](
                    batch.images, present[:, place], generator
                )
                kept = sum(tokens.lengths)
                share = share if expected is None else expected
            else:
                tokens = self._tabular(name, batch, present[:, place])
            if len(tokens.rows):
                query = self._visit(name, query, tokens, generator)
            representations.append(query)
            there.append(present[:, place])
        fused = aggregate(representations, torch.stack(there, dim=1), first) if there else first
        return Output(self.head(fused), share, kept, offered)

    def _visit(
        self, name: str, query: Tensor, tokens: Ragged, generator: torch.Generator | None
    ) -> Tensor:
        """Let the (B, D) query attend to one modality; samples without it keep theirs exactly."""
        visited: Tensor = self.cascade[name](query, self.blocks[name](tokens))
        if not (self.training and self.config.masking == "element"):
            return visited
        masked = mask_elements(visited, self.config.masking_ratio, generator)
        there = torch.tensor(tokens.lengths, device=query.device) > 0
        return torch.where(there[:, None], masked, query)

    def _tabular(self, name: str, batch: Batch, present: Tensor) -> Ragged:
        tokeniser = self.tokenisers[name]
        tokens: Ragged
        if name == "numeric":
            tokens = tokeniser(batch.numeric, batch.numeric_missing, present)
        else:
            tokens = tokeniser(batch.categorical, present)
        return tokens

    def levels(self) -> list[nn.Parameter]:
        """Return the gate's level, which has an optimiser of its own; nothing without a gate."""
        return [p for name, p in self.named_parameters() if name.endswith(".gate.level")]

    def weights(self) -> list[nn.Parameter]:
        """Return all parameters but the gate's level."""
        return [p for name, p in self.named_parameters() if not name.endswith(".gate.level")]


@torch.no_grad()
def initialise(model: nn.Module, generator: torch.Generator) -> None:
    """Draw the initial weights from one generator, in the order of the parameters.

    ===========================================  =======================================
    gate                                         as built: every token alike
    norms' weights and all biases                1 and 0
    linear and convolution weights               uniform, He for fan-in with gain 1
    scores' MLP                                  normal, deviation 1, then 1 / sqrt(fan-in)
    embeddings, positions, query, missing        normal, deviation 0.02
    ===========================================  =======================================
    """
    for name, parameter in model.named_parameters():
        owner = model.get_submodule(name.rpartition(".")[0])
        leaf = name.rpartition(".")[2]
        if isinstance(owner, TokenGate):
            continue
        if isinstance(owner, nn.LayerNorm | nn.GroupNorm):
            parameter.fill_(1.0 if leaf == "weight" else 0.0)
        elif leaf == "bias":
            parameter.zero_()
        elif isinstance(owner, nn.Linear | nn.Conv2d):
            nn.init.kaiming_uniform_(parameter, nonlinearity="linear", generator=generator)
        elif isinstance(owner, NumericTokeniser) and leaf in ("first", "first_bias", "second"):
            fan_in = parameter.shape[1] if leaf == "second" else 1
            parameter.normal_(0.0, fan_in**-0.5, generator=generator)
        else:
            parameter.normal_(0.0, 0.02, generator=generator)
