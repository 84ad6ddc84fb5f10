"""What one forward and backward pass of a layer costs: time, peak memory, operations.

Projections and clustering are part of the layer, gradients of its input and of its weights part of
the pass. fp32, one thread. Time is CPU time of this process, taken in rounds over all variants of
a shape, every second round in reverse, so that a machine that slows down slows all alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from trainables.attention.attention import Attention
from trainables.bench.attention.data import build_layer, gaussian_rows
from trainables.probe import peak_memory_bytes

_BEFORE_MEMORY = 16  # tokens of the pass that first-time allocations are left to


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread while entered."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def time_passes(
    *, width: int, tokens: int, batch: int, rounds: int, variants: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Time every variant once a round.

    Yields:
        An observation each: `seconds` of one pass ÷ batch. Then one a variant: `flops` of a
        sample's forward pass and its `clusters`, from the layer's own account.
    """
    rows = gaussian_rows(batch, tokens, width)
    passes = {name: _pass(build_layer(name, width, tokens), rows, batch) for name in variants}
    with one_thread():
        for work in passes.values():
            work()
        for round_ in range(rounds):
            for name in variants if round_ % 2 == 0 else variants[::-1]:
                start = time.process_time()
                passes[name]()
                seconds = (time.process_time() - start) / batch
                yield _row("time", name, width, tokens, batch, round=round_, seconds=seconds)
        for name in variants:
            account = build_layer(name, width, tokens).eval().work(rows, [tokens] * batch)
            found = {"flops": account.flops / batch, "clusters": account.clusters}
            yield _row("account", name, width, tokens, batch, **found)


def measure_memory(
    *, variant: str, width: int, tokens: int, round: int
) -> Iterator[dict[str, Any]]:
    """Observe by how many `bytes` one pass of one sample raises the process's peak memory.

    To be called in a new process. Memory that has been freed before, but not given back, hides
    growth, so that little is done before.
    """
    with one_thread():
        _pass(build_layer(variant, width, tokens), gaussian_rows(1, _BEFORE_MEMORY, width), 1)()
        work = _pass(build_layer(variant, width, tokens), gaussian_rows(1, tokens, width), 1)
        cpu = torch.device("cpu")
        before = peak_memory_bytes(lambda: None, cpu)
        grown = peak_memory_bytes(work, cpu) - before
    yield _row("memory", variant, width, tokens, 1, round=round, bytes=grown)


def _pass(layer: Attention, rows: Tensor, batch: int) -> Callable[[], None]:
    """Return one forward and backward pass in training."""
    layer.train()
    rows = rows.clone().requires_grad_()
    lengths = [len(rows) // batch] * batch
    gradient = torch.ones_like(rows)

    def run() -> None:
        layer(rows, lengths).backward(gradient)
        rows.grad = None
        layer.zero_grad(set_to_none=True)

    return run


def _row(
    situation: str, variant: str, width: int, tokens: int, batch: int, **found: Any
) -> dict[str, Any]:
    shape = {"width": width, "tokens": tokens, "batch": batch}
    return {"situation": situation, "variant": variant, **shape, **found}
