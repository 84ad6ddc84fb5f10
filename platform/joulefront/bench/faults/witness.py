"""A trainable that keeps its own books, which the bench believes rather than the study's.

Every attempt appends to a file of its own, outside the study: when it began and from which epoch,
the CPU seconds it has used while its energy window was open, and when it ended. Files are named by
the trial's `x`, which the sampler draws from a continuum, so that no two configurations share one.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from joulefront.trial import TrialContext

_SIGN_SECONDS = 0.05  # of CPU time, between two signs of life


@dataclass(frozen=True, kw_only=True)
class Config:
    """What a witness is told."""

    x: float = 0.5  # 0 … 1, names the trial; the metrics are functions of it
    folder: str = ""  # where it keeps its books
    epochs: int = 3
    busy_seconds: float = 0.1  # of CPU time, an epoch
    idle_seconds: float = 0.0  # of sleep, an epoch
    checkpoints: bool = True


def train(config: Config, trial: TrialContext) -> None:
    """Work for a while, epoch by epoch, with a checkpoint after each."""
    book = _Book(Path(config.folder) / f"{config.x!r}.{trial.fold}.{os.getpid()}.jsonl")
    restored = trial.restored_checkpoint()
    done = 0 if restored is None else int((restored / "epoch").read_text())
    book.write("start", epoch=done)
    with trial.measured(), TemporaryDirectory() as scratch:
        began = time.process_time()  # inside of the window, as the last reading
        for epoch in range(done + 1, config.epochs + 1):
            _work(config.busy_seconds, book, began)
            time.sleep(config.idle_seconds)
            (Path(scratch) / "epoch").write_text(str(epoch))
            kept = Path(scratch) if config.checkpoints else None
            trial.report({"score": config.x, "cost": 1 - config.x**2}, kept)
            book.write("epoch", epoch=epoch, cpu=time.process_time() - began)
        used = time.process_time() - began
    book.write("end", cpu=used)


class _Book:
    """An append-only file: what is in it survives the death of this process."""

    def __init__(self, path: Path) -> None:
        self._handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, what: str, **values: Any) -> None:
        line = json.dumps({"what": what, "time": time.time(), **values}) + "\n"
        os.write(self._handle, line.encode())


def _work(seconds: float, book: _Book, began: float) -> None:
    end = time.process_time() + seconds
    while (now := time.process_time()) < end:
        stop = min(end, now + _SIGN_SECONDS)
        while time.process_time() < stop:
            sum(range(1000))
        book.write("sign", cpu=time.process_time() - began)
