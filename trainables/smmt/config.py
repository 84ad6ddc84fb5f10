"""Every hyperparameter of SMMT. No torch here, so that a study file is checked without it.

Sources: [S] SMMT, Lu & Tsai 2025, arXiv 2512.14491, Table I unless said otherwise; [J] joulefront's
own choice, where the paper is silent or its value does not fit a two-core machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

_AT_LEAST_ONE = (
    "width",
    "heads",
    "layers",
    "feedforward_ratio",
    "kmeans_iterations",
    "batch_size",
    "epochs",
    "checkpoint_every",
)
_CHOICES = {
    "attention": ("dense", "cluster"),
    "masking": ("element", "modality", "none"),
    "patch_size": (2, 4, 8, 16),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    """What one trial of SMMT is built and trained with.

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
    # Attention
    attention: Literal["dense", "cluster"] = "cluster"  # inside each modality; [S] III-B
    clusters: int | Literal["auto"] = "auto"  # k ≥ 1 a sample; auto = max(1, round(log2 n)); [S]
    kmeans_iterations: int = 3  # Lloyd iterations; ≥ 1; [J], not given in [S]
    # Masking, in training only
    masking: Literal["element", "modality", "none"] = "element"  # [S] III-C; modality as in 3MT
    masking_ratio: float = 0.3  # r, probability of being masked; 0 ≤ r ≤ 1; [S]
    # Sparsity
    sparsity_gate: bool = True  # whether image tokens may be dropped at all; [J]
    sparsity_penalty: float = 0.0  # λ, cross-entropy (nats) a kept share of 1 costs; ≥ 0; [J]
    gate_openness: float = 0.9  # share of image tokens kept at the first step; 0 < x < 1; [J]
    gate_learning_rate: float = 0.4  # of the gate's own SGD, per step; > 0; [J], see gate.py
    gate_momentum: float = 0.9  # of the gate's own SGD; 0 ≤ x < 1; [J]
    # Training
    learning_rate: float = 1.0e-3  # of Adam, per step; > 0; [S]
    batch_size: int = 8  # samples a step and process; ≥ 1; [S]
    epochs: int = 8  # passes over the training side; ≥ 1; [S] 50, [J] 8
    checkpoint_every: int = 1  # epochs between checkpoints, the last always has one; ≥ 1; [J]

    def __post_init__(self) -> None:
        for name in _AT_LEAST_ONE:
            _require(self, name, getattr(self, name) >= 1, "at least 1")
        for name, choices in _CHOICES.items():
            _require(self, name, getattr(self, name) in choices, f"one of {choices}")
        for name in ("learning_rate", "gate_learning_rate"):
            _require(self, name, getattr(self, name) > 0, "above 0")
        _require(self, "width", self.width % self.heads == 0, "a multiple of heads")
        clusters = 1 if self.clusters == "auto" else self.clusters
        _require(
            self, "clusters", isinstance(clusters, int) and clusters >= 1, "at least 1 or auto"
        )
        _require(self, "masking_ratio", 0 <= self.masking_ratio <= 1, "in [0, 1]")
        _require(self, "gate_openness", 0 < self.gate_openness < 1, "in (0, 1)")
        _require(self, "gate_momentum", 0 <= self.gate_momentum < 1, "in [0, 1)")
        penalty = self.sparsity_penalty
        _require(self, "sparsity_penalty", 0 <= penalty < float("inf"), "finite and at least 0")
        responds = self.sparsity_gate or penalty == 0
        _require(self, "sparsity_penalty", responds, "0 without sparsity_gate, its only response")


def _require(config: Config, name: str, holds: bool, must: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {must}, but got {getattr(config, name)!r}")
