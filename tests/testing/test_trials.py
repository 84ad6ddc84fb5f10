"""The trial that stands in for the platform in an author's tests."""

from __future__ import annotations

import gc
from pathlib import Path

from joulefront.testing import RecordingTrial


def test_its_own_folder_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("1")
    trial = RecordingTrial()
    trial.report({"accuracy": 0.5}, checkpoint=tmp_path)
    (kept,) = trial.checkpoints
    assert kept.exists()
    del trial
    gc.collect()
    assert not kept.exists()
    assert (tmp_path / "state").exists()
