"""The processes of a study's first trials, started before them."""

import json
import os
import subprocess
import sys

import pytest

TRAINABLE = """
import json, os, time
from dataclasses import dataclass
from pathlib import Path

BOOK = Path(__file__).with_name("book")

def note(what):
    with BOOK.open("a") as book:
        book.write(json.dumps([what, os.getpid(), time.time()]) + "\\n")

note("begins to load")
time.sleep(0.5)
note("has loaded")

@dataclass(frozen=True, kw_only=True)
class Config:
    x: float = 0.5

def train(config, trial):
    note("trial")
    time.sleep(0.5)
    trial.report({"loss": config.x})
"""

STUDY = """
name: prestarted
trainable: mine.py:train
space: {x: {float: [0, 1]}}
objectives: [{metric: loss, direction: minimise}, {metric: energy_joules, direction: minimise}]
search: {sampler: random, concurrent: 2}
budget: {trials: 4}
"""


@pytest.mark.ray
def test_first_trials_begin_in_processes_that_have_all_loaded(tmp_path):
    (tmp_path / "mine.py").write_text(TRAINABLE)
    (tmp_path / "study.yaml").write_text(STUDY)
    own = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    command = [sys.executable, "-c", "from joulefront.cli import main; main()", "launch"]
    driver = subprocess.Popen(
        [*command, "study.yaml"], cwd=tmp_path, env=own, stdout=subprocess.DEVNULL
    )
    assert driver.wait(timeout=120) == 0
    noted = [json.loads(line) for line in (tmp_path / "book").read_text().splitlines()]
    loaded = {pid: when for what, pid, when in noted if what == "has loaded"}
    del loaded[driver.pid]  # it asks for the trainable's data and baselines
    trials = [(pid, when) for what, pid, when in noted if what == "trial"]
    assert {pid for pid, _ in trials} == set(loaded) and len(loaded) == 2
    assert min(when for _, when in trials) > max(loaded.values())
