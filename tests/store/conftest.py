"""What the tests of the store share: a study, and rows as plain Python reads them back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from joulefront.store import StudyStore


@pytest.fixture
def store(tmp_path: Path) -> StudyStore:
    return StudyStore.create(tmp_path / "study", {"name": "mask_sweep"})


@pytest.fixture
def present() -> Callable[[StudyStore, str], list[dict[str, Any]]]:
    """The rows of a table, each without the columns in which it has no value."""

    def read(store: StudyStore, table: str) -> list[dict[str, Any]]:
        rows = store.read(table).to_pylist()
        return [{name: value for name, value in row.items() if value is not None} for row in rows]

    return read


@pytest.fixture
def segment(store: StudyStore) -> Callable[..., Path]:
    """Write reports of epochs 0, 1, ... one a batch, and return the segment that holds them."""

    def write(batches: int) -> Path:
        with store.writer() as writer:
            for epoch in range(batches):
                row = {"time": float(epoch), "trial_id": "t0", "attempt": 0, "epoch": epoch}
                writer.append("reports", [{**row, "loss": 0.5 / (epoch + 1), "note": f"é{epoch}"}])
        (path,) = (store.path / "segments" / "reports").iterdir()
        return path

    return write
