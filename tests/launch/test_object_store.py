"""A study in an object store from the command line: launched, killed, resumed, read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from joulefront.store import StudyStore, fold_trials

STUDY = """
name: kept
trainable: {trainable}:train
fixed: {{epochs: 40}}
space: {{width: {{int: [8, 64]}}}}
objectives:
  - {{metric: accuracy, direction: maximise}}
  - {{metric: loss, direction: minimise}}
search: {{sampler: random, concurrent: 2}}
budget: {{trials: 3}}
"""

TRAINABLE = """
import json
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    width: int = 8
    epochs: int = 4


def train(config, trial):
    restored = trial.restored_checkpoint()
    done = json.loads((restored / "deep" / "state.json").read_text()) if restored else 0
    print(f"went on from {done}")
    with tempfile.TemporaryDirectory() as folder:
        inner = Path(folder, "deep")
        inner.mkdir()
        for epoch in range(done + 1, config.epochs + 1):
            time.sleep(0.05)
            (inner / "state.json").write_text(json.dumps(epoch))
            values = {"accuracy": config.width / 64, "loss": 1 / epoch}
            trial.report(values, checkpoint=Path(folder))
"""


def _study(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from joulefront.cli.app import main; main()", *arguments]


@pytest.mark.slow
@pytest.mark.ray
def test_a_study_survives_its_driver_in_an_object_store(bucket: str, tmp_path: Path) -> None:
    (tmp_path / "kept.py").write_text(TRAINABLE)
    file = tmp_path / "kept.yaml"
    file.write_text(STUDY.format(trainable=tmp_path / "kept.py"))
    uri = f"{bucket}/kept"
    driver = subprocess.Popen(
        _study("launch", str(file), "--store", uri), stdout=subprocess.DEVNULL, cwd=tmp_path
    )
    try:
        deadline = time.monotonic() + 60
        while not _reported(uri) and time.monotonic() < deadline and driver.poll() is None:
            time.sleep(0.1)
    finally:
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
    done = subprocess.run(
        _study("launch", str(file), "--store", uri, "--resume"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"study directory: {uri}" in done.stdout
    assert f"interactive: {uri}/front.html" in done.stdout
    study = StudyStore.open(uri)
    trials = fold_trials(study.read("trials")).to_pylist()
    assert [trial["state"] for trial in trials] == ["complete"] * 3
    assert {trial["attempt"] for trial in trials} == {1, 2}
    second = next(trial["trial_id"] for trial in trials if trial["attempt"] == 2)
    for command, expected in (
        (["status", uri], "finished"),
        (["front", uri], "accuracy"),
        (["energy", uri], "total"),
        (["export", uri], "c0000-f0-s0"),
        (["logs", uri, second], "went on from"),
        (["model", uri, second, "--out", str(tmp_path / "model")], "deep/state.json"),
        (["doctor", uri], "sound"),
        (["reproduce", uri, "c0000-f0-s0"], "agree bit for bit"),
    ):
        told = subprocess.run(_study(*command), capture_output=True, text=True, check=False)
        assert expected in told.stdout, (command, told.stdout, told.stderr)
    assert study.place.read("front.html").startswith(b"<!doctype html>")
    log = study.place.read(f"logs/{second}.log").decode()
    assert int(log.rpartition("went on from ")[2].split()[0]) > 0
    assert not list(tmp_path.glob("s3*"))


def _reported(uri: str) -> bool:
    """Whether two trials have kept a checkpoint."""
    return StudyStore.exists(uri) and (
        len(
            {
                entry.name.split("/")[1]
                for entry in StudyStore.open(uri).place.entries("checkpoints")
                if entry.name.endswith("checksums.json")
            }
        )
        >= 2
    )
