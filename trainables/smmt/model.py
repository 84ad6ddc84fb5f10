"""SMMT: tokens of each modality → self-attention blocks → cascaded cross-attention → MLP head.

Notable features: packed tokens without padding, so that absent modalities and dropped tokens cost
nothing; dense or cluster-sparse self-attention; a gate on image tokens; masking of modalities.

Shapes: `B` samples, `T` tokens of all samples, `D` width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer

from trainables.attention import load_attention
from trainables.attention.attention import Attention
from trainables.attention.options import AttentionOptions
from trainables.attention.ragged import Ragged
from trainables.smmt.batch import MODALITIES, Batch, InputShape
from trainables.smmt.config import Config
from trainables.smmt.costs import attention_costs
from trainables.smmt.fusion import CrossAttention, FeedForward, aggregate
from trainables.smmt.gate import TokenGate
from trainables.smmt.masking import drop_modalities, mask_elements
from trainables.smmt.tokens import CategoricalTokeniser, ImageTokeniser, NumericTokeniser
from trainables.training.model import Model, Output


class Block(nn.Module):
    """Pre-norm self-attention and MLP on packed tokens, `tokens` of a sample at most."""

    def __init__(self, config: Config, tokens: int) -> None:
        super().__init__()
        options = AttentionOptions(
            width=config.width,
            heads=config.heads,
            tokens=tokens,
            clusters=config.clusters,
            kmeans_iterations=config.kmeans_iterations,
            block_size=config.block_size,
            exact_clusters=config.exact_clusters,
        )
        self.norm = nn.LayerNorm(config.width)
        self.attention = load_attention(config.attention).build(options)
        self.feedforward = FeedForward(config.width, config.feedforward_ratio)

    def forward(self, tokens: Ragged) -> Ragged:
        """Mix (T, D) tokens inside their samples."""
        rows = tokens.rows + self.attention(self.norm(tokens.rows), tokens.lengths)
        return Ragged(rows + self.feedforward(rows), tokens.lengths)


class SMMT(Model):
    """The sparse multimodal transformer for two classes.

    Its `kept_share` is the share of image tokens that the gate keeps. Its penalty is λ × the share
    that the gate is expected to keep, 1 where there is no gate or no image, and another λ × the
    expected share of pairs, mean over the layers whose attention learns its pattern.

    Args:
        config: Hyperparameters.
        shape: Of the inputs; a modality without columns has no parameters.
        generator: Of the initial weights; torch's own generators are not drawn from.

    Raises:
        TrainableError: If the pictures cannot be cut into patches.
    """

    shares = ("kept_share",)

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
        tokens = {
            "categorical": len(shape.levels),
            "numeric": shape.numeric,
            "image": shape.planes * (shape.image_size // config.patch_size) ** 2,
        }
        self.blocks, self.cascade = nn.ModuleDict(), nn.ModuleDict()
        for name in (name for name in MODALITIES if name in self.tokenisers):
            layers = (Block(config, tokens[name]) for _ in range(config.layers))
            self.blocks[name] = nn.Sequential(*layers)
            self.cascade[name] = CrossAttention(
                config.width, config.heads, config.feedforward_ratio
            )
        self.query = nn.Parameter(torch.empty(1, config.width))
        self.head = nn.Sequential(
            nn.LayerNorm(config.width),
            nn.Linear(config.width, config.width),
            nn.ReLU(),
            nn.Linear(config.width, self.classes),
        )
        initialise(self, generator)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> Output:
        """Classify a batch; the generator of gate and masking is drawn from in training only."""
        config = self.config
        present = batch.present
        if self.training and config.masking == "modality":
            present = drop_modalities(present, config.masking_ratio, generator)
        query = first = self.query.repeat(len(batch), 1)
        penalty, kept, offered = config.sparsity_penalty * query.new_ones(()), 0, 0
        patterns: list[Tensor] = []
        representations, there = [], []
        for place, name in enumerate(MODALITIES):
            if name not in self.tokenisers:
                continue
            if name == "image":
                tokens, expected, offered = self.tokenisers[name](
                    batch.images, present[:, place], generator
                )
                kept = sum(tokens.lengths)
                if expected is not None:
                    penalty = config.sparsity_penalty * expected
            else:
                tokens = self._tabular(name, batch, present[:, place])
            if len(tokens.rows):
                query = self._visit(name, query, tokens, generator)
                patterns += self._patterns(name)
            representations.append(query)
            there.append(present[:, place])
        fused = aggregate(representations, torch.stack(there, dim=1), first) if there else first
        if patterns:
            penalty = penalty + config.attention_penalty * torch.stack(patterns).mean()
        return Output(self.head(fused), penalty, ((kept, offered),))

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

    def _patterns(self, name: str) -> list[Tensor]:
        """Return the () expected shares of pairs of a modality's layers that have learned one."""
        found = (attention.expected_share for attention in self.attentions(name))
        return [share for share in found if share is not None]

    def attentions(self, name: str) -> list[Attention]:
        """Return the self-attentions of a modality, first layer first."""
        return [module for module in self.blocks[name].modules() if isinstance(module, Attention)]

    def levels(self) -> list[nn.Parameter]:
        """Return the levels of gate and learned patterns, which Adam would make deaf to λ."""
        return [value for name, value in self.named_parameters() if name.endswith(".level")]

    def own_optimisers(self) -> list[Optimizer]:
        """Return plain SGD with momentum for the levels: see gate.py."""
        config, levels = self.config, self.levels()
        if not levels:
            return []
        return [SGD(levels, lr=config.gate_learning_rate, momentum=config.gate_momentum)]

    def costs(self, batch: Batch) -> dict[str, float]:
        """Account for the attentions of the cascade's last modality, the image where there is one.

        See `attention_costs`.
        """
        last = list(self.blocks)[-1]
        return attention_costs(self.attentions(last), lambda: self(batch))


@torch.no_grad()
def initialise(model: nn.Module, generator: torch.Generator) -> None:
    """Draw the initial weights from one generator, in the order of the parameters, attentions last.

    ===========================================  =======================================
    gate                                         as built: every token alike
    attentions' own, not their linear maps'      `Attention.draw`
    norms' weights and all biases                1 and 0
    linear and convolution weights               uniform, He for fan-in with gain 1
    scores' MLP                                  normal, deviation 1, then 1 / sqrt(fan-in)
    embeddings, positions, query, missing        normal, deviation 0.02
    ===========================================  =======================================
    """
    for name, parameter in model.named_parameters():
        owner = model.get_submodule(name.rpartition(".")[0])
        leaf = name.rpartition(".")[2]
        if isinstance(owner, TokenGate | Attention):
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
    for module in model.modules():
        if isinstance(module, Attention):
            module.draw(generator)
