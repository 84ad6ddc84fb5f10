"""How far an attention is from its definition and from dense attention, in float64.

Queries equal keys here, as far as a layer lets them (attention between like tokens, "peaky"): with
independent random projections nothing attends to its own Gaussian, and clusters keep nothing.

Shapes: `n` rows of one sample, `H` heads.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.attention.dense import DenseAttention
from trainables.bench.attention.data import build_layer, gaussian_rows
from trainables.bench.attention.oracles import load_oracle
from trainables.bench.attention.oracles.truth import Truth, dense_weights, masked_softmax

CLUSTERED = ("balanced", "cluster")


def compare(*, variant: str, width: int, tokens: int) -> Iterator[dict[str, Any]]:
    """Observe one attention without its crossover.

    Yields:
        One observation: `error`, the greatest absolute difference to the oracle in outputs and in
        gradients of the input; `fault_error`, that of outputs to an oracle that lets one pair too
        many in (clustered attentions only); `mass`, the share of dense attention's weights on
        pairs that this one computes, and `mass_pairs`, their share of all pairs (not where keys
        are compressed); `dense_error`, ‖output − dense‖ ÷ ‖dense‖, same weights.
    """
    layer = build_layer(variant, width, tokens, exact=True).double().eval()
    with torch.no_grad():
        weight = layer.qkv.weight
        if len(weight) == 3 * width:
            weight[width : 2 * width] = weight[:width]
    rows = gaussian_rows(1, tokens, width).double().requires_grad_()
    output, truth = layer(rows, [tokens]), load_oracle(variant)(layer, rows)
    with torch.no_grad():
        dense = _dense_twin(layer)(rows, [tokens])
        found = {"dense_error": float((output - dense).norm() / dense.norm())}
        if truth.allowed is not None:
            found |= _kept(dense_weights(layer, rows), truth.allowed)
        if variant in CLUSTERED:
            faulty = _with_one_pair_more(layer, rows, truth)
            found["fault_error"] = float((output - faulty).abs().max())
    slopes = [torch.autograd.grad(one.square().sum(), rows)[0] for one in (output, truth.output)]
    pairs = [(output, truth.output), (slopes[0], slopes[1])]
    found["error"] = max((one - other).detach().abs().max().item() for one, other in pairs)
    shape = {"width": width, "tokens": tokens}
    yield {"situation": "definition", "variant": variant, **shape, **found}


def mass_kept(weights: Tensor, allowed: Tensor) -> float:
    """Return the share of (H, n, n) dense weights where `allowed` is, mean over heads and rows."""
    return float((weights * allowed).sum(-1).mean())


def _kept(weights: Tensor, allowed: Tensor) -> dict[str, float]:
    return {"mass": mass_kept(weights, allowed), "mass_pairs": float(allowed.double().mean())}


def _dense_twin(layer: Attention) -> DenseAttention:
    twin = DenseAttention(layer.width, layer.heads)
    twin.qkv, twin.out = layer.qkv, layer.out
    return twin


def _with_one_pair_more(layer: Attention, rows: Tensor, truth: Truth) -> Tensor:
    allowed = torch.as_tensor(truth.allowed).clone()
    allowed[:, 0, int((~allowed[0, 0]).nonzero()[0])] = True
    return masked_softmax(layer, rows, allowed).output
