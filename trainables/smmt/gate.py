"""The sparsity gate: which image tokens are worth computing, learned under a price on computing.

Each image token is scored right after the stem, before any block. In training it is kept with
probability p = sigmoid(score) (Bernoulli, straight-through gradient: Bengio et al. 2013, arXiv
1308.3432); at evaluation a sample keeps its round(Σp) best tokens. A dropped token is removed from
the batch: no later layer computes anything for it. The penalty is λ × mean p, the expected share of
computed tokens; attention's own share falls faster than that.

`level` sets how many tokens are kept. It is moved by plain SGD with momentum, in proportion to λ:
Adam would normalise the gradient's size away, and λ with it. `direction` scores what is in a token,
centred over the sample's tokens, so it sets which, and Adam moves it by what the tokens do for the
cross-entropy. Neither sends a gradient into the stem.

How fast: under the penalty alone the log-odds s fall by λ p (1 - p) × rate / (1 - momentum) a step.
With the defaults, 0.4 and 0.9, that is 4 λ p (1 - p): from p = 0.9 half of the tokens are gone
after 3.3 / λ steps, and λ = 0.01 still keeps 0.83 of them after 160 steps.

Shapes: `B` samples, `N` image tokens of each, `D` width.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm


class Decision(NamedTuple):
    """What happens to the tokens.

    Attributes:
        kept: (B, N) bool; at least one of each sample.
        weight: (B, N) factor of a kept token: 1, with the gradient of p in training.
        share: () expected share of kept tokens, mean p; differentiable.
    """

    kept: Tensor
    weight: Tensor
    share: Tensor


class TokenGate(nn.Module):
    """A score for each token.

    Args:
        width: D.
        openness: p of every token before the first step, in (0, 1).
    """

    def __init__(self, width: int, openness: float) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.zeros(width))
        self.level = nn.Parameter(torch.tensor(math.log(openness / (1 - openness))))

    def scores(self, tokens: Tensor) -> Tensor:
        """Return (B, N) log-odds of being kept, in single precision: close tokens must not tie."""
        with torch.autocast(tokens.device.type, enabled=False):
            features = layer_norm(tokens.detach().float(), tokens.shape[-1:])
            contents = features @ self.direction / math.sqrt(len(self.direction))
            return contents - contents.mean(dim=1, keepdim=True) + self.level

    def forward(self, tokens: Tensor, generator: torch.Generator | None) -> Decision:
        """Decide on (B, N, D) tokens; the generator is drawn from in training only."""
        scores = self.scores(tokens)
        probability = scores.sigmoid()
        if self.training:
            draw = torch.rand(scores.shape, generator=generator, device=scores.device)
            kept = draw < probability.detach()
            kept.scatter_(1, scores.argmax(dim=1, keepdim=True), True)
            weight = 1 + probability - probability.detach()
        else:
            wanted = probability.sum(dim=1).round().clamp(min=1)
            rank = scores.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
            kept, weight = rank < wanted[:, None], torch.ones_like(probability)
        return Decision(kept, weight, probability.mean())
