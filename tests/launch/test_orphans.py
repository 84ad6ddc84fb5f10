"""What is left of a study whose driver has been killed."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.slow, pytest.mark.ray]

TRAINABLE = """\
import ctypes, os, pathlib
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Config:
    x: float = 0.5

def train(config, trial):
    pathlib.Path(__file__).with_name(f"pid-{os.getpid()}").touch()
    ctypes.PyDLL(None).sleep(600)  # with the interpreter's lock
"""
STUDY = """\
name: orphans
trainable: trainable.py:train
space: {x: {float: [0.0, 1.0]}}
objectives: [{metric: accuracy, direction: maximise}]
search: {sampler: random, concurrent: 1}
budget: {trials: 1}
"""


def trial_and_meter(folder: Path, driver: int) -> list[psutil.Process]:
    """Return those of the two that are there: a trial may begin before the meter is up."""
    begun = [int(path.name[4:]) for path in folder.glob("pid-*")]
    family = psutil.Process(driver).children(recursive=True)
    named = [p for p in psutil.process_iter(["cmdline"]) if p in family]  # skips who has ended
    return [p for p in named if p.pid in begun or "ray::Meter" in " ".join(p.info["cmdline"])]


def test_a_killed_driver_takes_its_trials_and_its_meter_along(tmp_path):
    (tmp_path / "trainable.py").write_text(TRAINABLE)
    (tmp_path / "study.yaml").write_text(STUDY)
    command = [sys.executable, "-c", "from joulefront.cli import main; main()", "launch"]
    with (tmp_path / "log").open("wb") as log:
        driver = subprocess.Popen(
            [*command, "study.yaml", "--store", str(tmp_path / "study")],
            cwd=tmp_path,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 60
        while len(ours := trial_and_meter(tmp_path, driver.pid)) < 2:
            assert driver.poll() is None and time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        driver.kill()
        driver.wait()
    assert not psutil.wait_procs(ours, timeout=20)[1]
