"""The work that the trials of `study bench energy` do, and what it truly took by `getrusage`.

A trainable like any other: it warms up, opens the energy window, works, closes it, and tells what
the operating system says of the same stretch. It asks nothing of `joulefront.energy`.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from joulefront.bench.energy.child_actor import ChildActor, burn
from joulefront.bench.energy.codecarbon_peer import tracked
from joulefront.bench.energy.host_clock import own_seconds
from joulefront.trial import TrialContext

_PATIENCE_SECONDS = 120.0
_EPOCHS = 8
_ITEM_SECONDS = 0.05
_STREAMED_BYTES = 2**26
_WARMING_STEPS = 5
_BURN = "import time\nwhile time.process_time() < {}: sum(range(1000))"

Work = Callable[[float], float]
"""Does an amount, and returns the CPU-seconds that `getrusage` cannot see: of processes that live
on, and of those that are no children."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """What a trial of the bench does."""

    kind: str  # key of WORK
    amount: float = 0.0  # steps, or CPU-seconds; unused where it works until others are done
    endless: bool = False  # works until somebody at the gate is done
    codecarbon: bool = False  # whether CodeCarbon follows the same work
    gate: str = "."  # folder where the trials of one moment meet
    party: int = 1  # how many meet


def train(config: Config, trial: TrialContext) -> None:
    """Work inside the window, and tell what the operating system saw meanwhile."""
    work = WORK[config.kind]()
    gate = Path(config.gate)
    with tracked(config.codecarbon) as tracker:
        _meet(gate, config.party)
        with trial.measured():
            before = own_seconds(), own_seconds(resource.RUSAGE_CHILDREN)
            opened_ns = time.monotonic_ns()
            elsewhere = _until(gate, work) if config.endless else work(config.amount)
            closed_ns = time.monotonic_ns()
            after = own_seconds(), own_seconds(resource.RUSAGE_CHILDREN)
    release(gate)
    tree = sum(after) - sum(before)
    trial.finish(
        {
            "truth": tree + elsewhere,
            "tree": tree,
            "own": after[0] - before[0],
            "process": sum(after),
            "opened_ns": opened_ns,
            "closed_ns": closed_ns,
            "pss_seconds": _pss_seconds(),
            **({"codecarbon_joules": tracker.joules} if config.codecarbon else {}),
        }
    )


def here(gate: Path) -> int:
    """Return how many have come to the gate."""
    return len(list(gate.glob("here-*")))


def release(gate: Path) -> None:
    """End the endless work of those who met at the gate."""
    (gate / "stop").touch()


def _meet(gate: Path, party: int) -> None:
    (gate / f"here-{os.getpid()}").touch()
    late = time.monotonic() + _PATIENCE_SECONDS
    while here(gate) < party:
        if time.monotonic() > late:
            raise TimeoutError(f"{here(gate)} of {party} trials have come to {gate}")
        time.sleep(0.005)


def _until(gate: Path, work: Work) -> float:
    while not (gate / "stop").exists():
        work(1)
    return 0.0


def _pss_seconds() -> float:
    begun = time.perf_counter()
    Path("/proc/self/smaps_rollup").read_bytes()
    return time.perf_counter() - begun


def _repeated(step: Callable[[], object]) -> Work:
    def work(steps: float) -> float:
        for _ in range(round(steps)):
            step()
        return 0.0

    work(_WARMING_STEPS)
    return work


def _steps() -> Work:
    """Train a small transformer."""
    import torch

    layer = torch.nn.TransformerEncoderLayer(64, 4, 128, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, 2)
    optimiser = torch.optim.Adam(model.parameters())
    batch = torch.randn(8, 96, 64)

    def step() -> None:
        optimiser.zero_grad()
        model(batch).square().mean().backward()
        optimiser.step()

    return _repeated(step)


def _matmul() -> Work:
    """Multiply matrices with as many threads as the trial may use."""
    import torch

    matrix = torch.randn(768, 768)
    return _repeated(lambda: torch.mm(matrix, matrix))


def _memory() -> Work:
    """Stream through more memory than any cache holds."""
    import numpy as np

    source = np.ones(_STREAMED_BYTES // 8)
    target = np.empty_like(source)
    return _repeated(lambda: np.copyto(target, source))


class _Burning:
    """A dataset whose items take CPU time; an item is (pid, its CPU-seconds so far)."""

    def __init__(self, items: int) -> None:
        self._items = items

    def __len__(self) -> int:
        return self._items

    def __getitem__(self, index: int) -> tuple[int, float]:
        burn(_ITEM_SECONDS)
        return os.getpid(), time.process_time()


def _loader(*, persistent: bool) -> Work:
    """Load an epoch again and again with worker processes; persistent ones outlive the window."""
    from torch.utils.data import DataLoader

    loaders: list[DataLoader[Any]] = []

    def work(seconds: float) -> float:
        items: Any = _Burning(round(seconds / _ITEM_SECONDS / _EPOCHS))
        loaders.append(
            DataLoader(items, batch_size=None, num_workers=2, persistent_workers=persistent)
        )
        spent = {pid: cpu for _ in range(_EPOCHS) for pid, cpu in loaders[-1]}
        return sum(spent.values()) if persistent else 0.0

    return work


def _subprocesses() -> Work:
    def work(seconds: float) -> float:
        for _ in range(_EPOCHS):
            subprocess.run([sys.executable, "-ISc", _BURN.format(seconds / _EPOCHS)], check=True)
        return 0.0

    return work


def _actor() -> Work:
    """Let a Ray actor work that the trial creates: no child of it, and it outlives the window."""
    import ray

    actors: list[Any] = []

    def work(seconds: float) -> float:
        since = time.clock_gettime(time.CLOCK_BOOTTIME)
        actors.append(ray.remote(num_cpus=0)(ChildActor).remote())
        spent: float = ray.get(actors[-1].burn.remote(seconds, since))
        return spent

    return work


WORK: dict[str, Callable[[], Work]] = {
    "actor": _actor,
    "matmul": _matmul,
    "memory": _memory,
    "persistent": partial(_loader, persistent=True),
    "respawned": partial(_loader, persistent=False),
    "steps": _steps,
    "subprocess": _subprocesses,
}
