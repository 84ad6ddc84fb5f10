"""A driver that was suspended for longer than its lease, and wakes while another one drives."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.compute as pc
import pytest

from joulefront.store import StudyStore, fold_trials

STUDY = """
name: taken
trainable: {trainable}:train
fixed: {{pids: {pids}}}
space: {{width: {{int: [8, 64]}}}}
objectives:
  - {{metric: accuracy, direction: maximise}}
  - {{metric: loss, direction: minimise}}
search: {{sampler: random, concurrent: 2}}
budget: {{trials: 2}}
"""

TRAINABLE = """
import json
import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Config:
    width: int = 8
    pids: str = ""


def train(config, trial):
    Path(config.pids, str(os.getpid())).touch()
    restored = trial.restored_checkpoint()
    done = json.loads((restored / "state.json").read_text()) if restored else 0
    with tempfile.TemporaryDirectory() as folder:
        for epoch in range(done + 1, 21):
            time.sleep(0.1)
            Path(folder, "state.json").write_text(json.dumps(epoch))
            trial.report({"accuracy": config.width / 64, "loss": 1 / epoch}, Path(folder))
"""

_ELSEWHERE = """
from joulefront.store import lease
lease._boot = lambda: "another host"
lease.EXPIRES_SECONDS = 7.0  # renewed every five
from joulefront.cli.app import main
main()
"""


@pytest.mark.slow
@pytest.mark.ray
def test_a_driver_that_has_lost_its_lease_ends_and_disturbs_nothing(tmp_path: Path) -> None:
    pids, store = tmp_path / "pids", tmp_path / "study"
    pids.mkdir()
    (tmp_path / "taken.py").write_text(TRAINABLE)
    file = tmp_path / "taken.yaml"
    file.write_text(STUDY.format(trainable=tmp_path / "taken.py", pids=pids))
    main = "from joulefront.cli.app import main; main()"
    loser = _started(main, "launch", str(file), "--store", str(store))
    winner = None
    try:
        _wait_until(lambda: len(list(store.glob("checkpoints/*/*/checksums.json"))) == 2)
        loser.send_signal(signal.SIGSTOP)
        orphans = [int(path.name) for path in pids.iterdir()]
        winner = _started(_ELSEWHERE, "resume", str(store))
        _wait_until(lambda: (store / "leases" / "000002.json").exists())
        taken = time.time()
        loser.send_signal(signal.SIGCONT)
        _, said = loser.communicate(timeout=60)
        assert loser.returncode == 1
        assert [line for line in said.splitlines() if "one driver" in line] == said.splitlines()[
            -1:
        ]
        assert "Traceback" not in said
        assert not any(Path(f"/proc/{pid}").exists() for pid in orphans)
        _, said = winner.communicate(timeout=90)
        assert winner.returncode == 0, said
    finally:
        for driver in (loser, winner):
            if driver is not None:
                driver.kill()
                driver.communicate()
    study = StudyStore.open(store)
    assert study.damage() == []
    trials = fold_trials(study.read("trials")).to_pylist()
    assert [trial["state"] for trial in trials] == ["complete"] * 2
    assert {trial["attempt"] for trial in trials} == {2}
    for table in ("trials", "reports", "events", "energy"):
        rows = study._gather(table)[0]
        late = rows.filter(pc.match_substring(rows["_writer"], f"-{loser.pid}-"))
        assert max(late["time"].to_pylist(), default=0.0) < taken + 2.0, late.to_pylist()


def _started(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"COLUMNS": "80"},
    )


def _wait_until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.1)
