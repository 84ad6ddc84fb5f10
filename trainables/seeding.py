"""Random numbers by purpose: each use has a generator of its own, a function of seed and purpose.

So nothing depends on what was drawn before: a reused process equals a fresh one, and a training
that goes on at epoch 5 draws what an uninterrupted one draws there, without stored state.
"""

from __future__ import annotations

import hashlib

import torch


def stream(seed: int, *purpose: str | int, device: str | torch.device = "cpu") -> torch.Generator:
    """Return a generator for one purpose, such as `stream(seed, "order", epoch)`.

    Args:
        seed: The trial's.
        purpose: What the numbers are for; other words give independent numbers.
        device: Where the numbers are drawn; devices differ in them.
    """
    text = "/".join(str(part) for part in (seed, *purpose))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return torch.Generator(device).manual_seed(number >> 1)
