"""Every hyperparameter of SMMT. No torch here, so that a study file is checked without it.

Sources: [S] SMMT, Lu & Tsai 2025, arXiv 2512.14491, Table I unless said otherwise; [J] joulefront's
own choice, where the paper is silent or its value does not fit a two-core machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Literal

from trainables.training.config import TrainingConfig, require

_AT_LEAST_ONE = (
    "width",
    "heads",
    "layers",
    "feedforward_ratio",
    "kmeans_iterations",
    "block_size",
)
_PATCHES = (2, 4, 8, 16)
_LEARN_A_PATTERN = ("lspg",)  # attentions with an `expected_share`


@dataclass(frozen=True, kw_only=True, slots=True)
class Config(TrainingConfig):
    """What one trial of SMMT is built with; how it is trained is in `TrainingConfig`.

    `sparsity_penalty` acts between 0.01 (one image token in six gone after 160 steps) and 1 (nearly
    all gone after 20): search it on a logarithmic scale, below 0.1 where clusters are to matter.

    Raises:
        ValueError: If a value is outside its range.
    """

    # Model
    width: int = 64  # latent width D, features; ≥ 1, a multiple of heads; [S] 512, [J] 64
    heads: int = 4  # attention heads; ≥ 1; [J], implied but not given in [S]
    layers: int = 2  # self-attention blocks of each modality; ≥ 1; [J], not given in [S]
    feedforward_ratio: int = 2  # hidden width of a block's MLP in units of width; ≥ 1; [J]
    patch_size: int = 4  # pixels a side that make one token; 2, 4, 8 or 16; [J], no tokens in [S]
    # Attention inside each modality: [S] III-B is cluster, the rest are baselines
    attention: Literal[
        "balanced",
        "bigbird",
        "cluster",
        "dense",
        "linformer",
        "longformer",
        "lspg",
        "performer",
        "reformer",
        "routing",
        "strided",
    ] = "cluster"  # a name in trainables.attention.ATTENTIONS; [S]
    clusters: int | Literal["auto"] = "auto"  # k ≥ 1 a sample; auto = the attention's rule; [S]
    kmeans_iterations: int = 3  # Lloyd iterations; ≥ 1; [J], not given in [S]
    block_size: int = 64  # tokens of a leaf, chunk, window or block; ≥ 1; [J]
    exact_clusters: bool = False  # clusters also where dense attention is as fast; [J]
    attention_penalty: float = 0.0  # λ of a learned pattern, nats for all its pairs; ≥ 0; [J]
    # Masking, in training only
    masking: Literal["element", "modality", "none"] = "element"  # [S] III-C; modality as in 3MT
    masking_ratio: float = 0.3  # r, probability of being masked; 0 ≤ r ≤ 1; [S]
    # Sparsity
    sparsity_gate: bool = True  # whether image tokens may be dropped at all; [J]
    sparsity_penalty: float = 0.0  # λ, nats that a kept share of 1 costs; ≥ 0; [J]
    gate_openness: float = 0.9  # share of image tokens kept at the first step; 0 < x < 1; [J]
    gate_learning_rate: float = 0.4  # of the levels' own SGD, per step; > 0; [J], see gate.py
    gate_momentum: float = 0.9  # of the levels' own SGD; 0 ≤ x < 1; [J]

    def __post_init__(self) -> None:
        TrainingConfig.__post_init__(self)
        for name in _AT_LEAST_ONE:
            require(self, name, getattr(self, name) >= 1, "at least 1")
        require(self, "patch_size", self.patch_size in _PATCHES, f"one of {_PATCHES}")
        require(self, "width", self.width % self.heads == 0, "a multiple of heads")
        clusters = 1 if self.clusters == "auto" else self.clusters
        require(self, "clusters", isinstance(clusters, int) and clusters >= 1, "at least 1 or auto")
        require(self, "masking_ratio", 0 <= self.masking_ratio <= 1, "in [0, 1]")
        require(self, "gate_openness", 0 < self.gate_openness < 1, "in (0, 1)")
        require(self, "gate_learning_rate", 0 < self.gate_learning_rate < inf, "above 0 and finite")
        require(self, "gate_momentum", 0 <= self.gate_momentum < 1, "in [0, 1)")
        for name in ("attention_penalty", "sparsity_penalty"):
            require(self, name, 0 <= getattr(self, name) < inf, "finite and at least 0")
        responds = self.sparsity_gate or self.sparsity_penalty == 0
        require(self, "sparsity_penalty", responds, "0 without sparsity_gate, its only response")
        responds = self.attention in _LEARN_A_PATTERN or self.attention_penalty == 0
        must = f"0 where the attention is none of {_LEARN_A_PATTERN}, its only response"
        require(self, "attention_penalty", responds, must)
