"""The hyperparameters of training, which every model's Config inherits. No torch here.

Sources: [A] ADDFormer's public code (rkushol/ADDFormer); [C] Cui et al. 2019, arXiv 1901.05555;
[F] SAFN, arXiv 2601.00519; [S] SMMT, arXiv 2512.14491; [J] joulefront's own choice. A model that
its paper trains otherwise declares the field again with its own default.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, Literal, get_args, get_origin, get_type_hints


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """How a model is trained, whatever the model.

    A subclass with checks of its own calls `TrainingConfig.__post_init__(self)`: `super()` does not
    work in a dataclass with slots.

    Raises:
        ValueError: If a value is outside its range.
    """

    epochs: int = 8  # passes over the training side, at most; ≥ 1; [S] 50, [J] 8
    batch_size: int = 8  # samples a step and process; ≥ 1; [S]
    train_share: float = 1.0  # of each class of the training side; 0 < x ≤ 1, nested; [S]
    # Loss
    loss: Literal["cross_entropy", "focal"] = "cross_entropy"  # [S]; focal [F]
    focal_gamma: float = 1.5  # γ of the focal loss; ≥ 0, 0 is cross-entropy; [F]
    class_weights: Literal["none", "balanced", "effective"] = "none"  # losses.py; [C]
    effective_beta: float = 0.999  # β of the effective class weights; 0 ≤ x < 1; [C], [F]
    label_smoothing: float = 0.0  # share of a label spread over all classes; 0 ≤ x < 1; [J]
    # Steps
    optimiser: Literal["adam", "adamw", "sgd"] = "adam"  # [S]; sgd with momentum 0.9: [A]
    learning_rate: float = 1.0e-3  # per step, its peak; > 0; [S]
    weight_decay: float = 0.0  # L2 of adam and sgd, decoupled in adamw; ≥ 0; [J]
    schedule: Literal["constant", "cosine", "linear", "polynomial"] = "constant"  # [J], last [A]
    warmup_share: float = 0.0  # share of the steps before the peak; 0 ≤ x < 1; [J]
    clip_norm: float = 0.0  # largest norm of the gradient; ≥ 0, 0 = as it comes; [J]
    precision: Literal["auto", "fp32", "bf16"] = "auto"  # auto = bf16 on a GPU, else fp32; [J]
    # Epochs
    patience: int = 0  # epochs without a better validation loss; ≥ 0, 0 = never stop; [J]
    checkpoint_every: int = 1  # epochs between checkpoints, the last always has one; ≥ 1; [J]

    def __post_init__(self) -> None:
        require_choices(self)
        for name in ("epochs", "batch_size", "checkpoint_every"):
            require(self, name, getattr(self, name) >= 1, "at least 1")
        require(self, "train_share", 0 < self.train_share <= 1, "in (0, 1]")
        require(self, "learning_rate", 0 < self.learning_rate < inf, "above 0 and finite")
        for name in ("focal_gamma", "weight_decay", "clip_norm", "patience"):
            require(self, name, 0 <= getattr(self, name) < inf, "finite and at least 0")
        for name in ("effective_beta", "label_smoothing", "warmup_share"):
            require(self, name, 0 <= getattr(self, name) < 1, "in [0, 1)")


def require(config: object, name: str, holds: bool, must: str) -> None:
    """Check a field.

    Raises:
        ValueError: If `holds` is False.
    """
    if not holds:
        raise ValueError(f"{name} must be {must}, but got {getattr(config, name)!r}")


def require_choices(config: Any) -> None:
    """Check every field whose type is a Literal.

    Raises:
        ValueError: If a value is none of its choices.
    """
    for name, hint in get_type_hints(type(config)).items():
        if get_origin(hint) is Literal:
            choices = get_args(hint)
            require(config, name, getattr(config, name) in choices, f"one of {choices}")
