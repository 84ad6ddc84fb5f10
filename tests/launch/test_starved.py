"""Trials that Ray's memory monitor ends, in a Ray of their own whose memory is soon at its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psutil
import pytest

from joulefront.store import StudyStore, fold_trials

TRAINABLE = '''
import time
from dataclasses import dataclass

from joulefront.trial import TrialContext


@dataclass(frozen=True)
class Config:
    """How much it takes."""

    mebibytes: int = 512


def train(config: Config, trial: TrialContext) -> None:
    """Take memory until somebody ends it, 4 GiB at most."""
    taken = []
    for epoch in range(1, 9):
        taken.append(b"x" * (config.mebibytes << 20))
        time.sleep(0.3)
        trial.report({"accuracy": 0.5, "flops": float(epoch)})
    trial.finish({"accuracy": 0.5, "flops": 1.0})
'''
STUDY = """
name: hog
trainable: hog.py:train
space:
  mebibytes: {int: [512, 513]}
objectives:
  - {metric: accuracy, direction: maximise}
  - {metric: flops, direction: minimise}
search: {sampler: random, concurrent: 1}
budget: {trials: 1}
per_trial: {cpus: 1, max_failures: 5}
"""


@pytest.mark.slow
def test_a_trial_without_memory_is_tried_once_more_and_fails_with_the_reason(tmp_path):
    (tmp_path / "hog.py").write_text(TRAINABLE)
    (tmp_path / "hog.yaml").write_text(STUDY)
    memory = psutil.virtual_memory()
    most = (memory.total - memory.available + 3 * 2**29) / memory.total
    monitor = {"RAY_memory_usage_threshold": f"{most:.4f}", "RAY_memory_monitor_refresh_ms": "50"}
    command = [sys.executable, "-c", "from joulefront.cli.app import main; main()"]
    ended = subprocess.run(
        [*command, "launch", "hog.yaml", "--store", "out"],
        cwd=tmp_path,
        env=os.environ | monitor,
        capture_output=True,
        text=True,
        timeout=90,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    study = StudyStore.open(tmp_path / "out")
    (trial,) = fold_trials(study.read("trials")).to_pylist()
    assert (trial["state"], trial["attempt"]) == ("failed", 2)
    assert "memory" in trial["failure"]
    failures = [e for e in study.read("events").to_pylist() if e["kind"] == "trial_failed"]
    told = [json.loads(failure["details"]) for failure in failures]
    assert [one["retry"] for one in told] == [True, False]
    assert all(one["out_of_memory"] for one in told)
