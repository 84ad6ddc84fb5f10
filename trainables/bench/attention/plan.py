"""What `study bench attention` runs: the shipped list of tasks, each for one worker."""

from __future__ import annotations

from typing import Any, NamedTuple

from trainables.attention import ATTENTIONS
from trainables.bench.attention.mass import real_slices

TABLE = {"width": 128, "tokens": 2048}
"""Where the cost of every attention is taken."""

_SPEED = {  # (width, tokens): rounds
    (128, 1024): 10,
    (128, 2048): 6,
    (128, 4096): 6,
    (128, 8192): 5,
    (512, 2048): 5,
    (512, 4096): 4,
    (512, 8192): 3,
}
_SMALL = {64: 40, 128: 30, 256: 20}  # tokens: rounds
_GROWTH = {512: 20, 1024: 15, 2048: 10, 4096: 6, 8192: 4, 16384: 3}  # tokens: rounds
_DEFINITION = {"width": 128, "tokens": 1024}
_SMMT: dict[str, Any] = {"width": 64, "patch_size": 4, "sparsity_gate": False}
_SYNTHETIC = {"cohort": "synthetic_ad", "subjects": 240, "image_size": 96}


class Task(NamedTuple):
    """One worker's work: a name of `worker.TASKS` and what it takes."""

    name: str
    arguments: dict[str, Any]


def timed_tasks() -> list[Task]:
    """Return what must run alone."""
    masked = ["balanced", "balanced:masked"]
    found = []
    for (width, tokens), rounds in _SPEED.items():
        names = ["dense", *masked, *(["cluster", "cluster:masked"] if width == 128 else [])]
        if (width, tokens) == (TABLE["width"], TABLE["tokens"]):
            names += [name for name in ATTENTIONS if name not in names]
        found.append(_time(width, tokens, batch_of(width, tokens), rounds, names))
    names = ["dense", "balanced", "cluster:exact"]
    found += [
        _time(width, tokens, batch_of(width, tokens), rounds, names)
        for width in (128, 512)
        for tokens, rounds in _SMALL.items()
    ]
    found += [_time(128, tokens, 1, rounds, masked) for tokens, rounds in _GROWTH.items()]
    epoch = {"data": _SYNTHETIC, "config": _SMMT | {"epochs": 1}, "rounds": 3}
    return [*found, Task("epochs", epoch | {"variants": ["dense", *masked]})]


def untimed_tasks() -> list[Task]:
    """Return what may run beside others, the longest first."""
    kept = {"data": real_slices(), "config": _SMMT | {"epochs": 25}, "clusters": 16, "samples": 16}
    learned = {"variants": ["lspg", "lspg:detached"], "penalties": [0.0, 1.0], "steps": 30}
    large = {"width": 512, "tokens": 4096}
    return [
        *(Task("definition", {"variant": name} | _DEFINITION) for name in sorted(ATTENTIONS)[::-1]),
        Task("mass", kept),
        Task("pattern", learned),
        *(Task("memory", {"variant": name, "round": 0} | TABLE) for name in ATTENTIONS),
        *(
            Task("memory", {"variant": name, "round": round_} | large)
            for round_ in range(2)
            for name in ("dense", "balanced", "balanced:scored")
        ),
    ]


def batch_of(width: int, tokens: int) -> int:
    """Return samples of a timed pass: fewer of long ones, as in the reference timings."""
    return (8 if width >= 512 else 4) if tokens <= 512 else max(1, 4096 // tokens)


def _time(width: int, tokens: int, batch: int, rounds: int, variants: list[str]) -> Task:
    shape = {"width": width, "tokens": tokens, "batch": batch}
    return Task("time", shape | {"rounds": rounds, "variants": variants})
