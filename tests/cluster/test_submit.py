"""`study submit` as a person uses it: a laptop's commands against a real head with a token."""

from __future__ import annotations

import re
import time
from pathlib import Path

import psutil
import pytest

FILE = """
name: sent
trainable: mine.py:train
fixed: {epochs: 2}
space:
  width: {int: [8, 64], log: true}
objectives:
  - {metric: loss, direction: minimise}
  - {metric: energy_joules, direction: minimise}
search: {sampler: random, seed: 0, concurrent: 1}
budget: {trials: 3}
"""
CODE = """
import time
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Config:
    width: int = 8
    epochs: int = 2
    seconds: float = 0.0


def train(config, trial):
    for _ in range(config.epochs):
        time.sleep(config.seconds)
        trial.report({"loss": 1 / config.width})
"""


@pytest.fixture
def laptop(tmp_path: Path) -> Path:
    folder = tmp_path / "laptop"
    folder.mkdir()
    (folder / "sent.yaml").write_text(FILE)
    (folder / "mine.py").write_text(CODE)
    (folder / "results").mkdir()
    (folder / "results" / "big").write_text("stays")
    return folder


@pytest.mark.ray
@pytest.mark.slow
def test_a_study_is_sent_asked_for_stopped_and_gone_on_with(head, laptop, tmp_path):
    store = tmp_path / "cluster" / "sent"
    there = ("--address", head.url)
    submit = ("submit", "sent.yaml", "--store", str(store), "--set", "fixed.seconds=0.4", *there)
    code, printed = head.study(laptop, *submit, "--no-wait", "--set", "budget.trials=500")
    assert code == 0, printed
    job = re.search(r"submitted as (sent-\w+)", printed)[1]
    until = time.monotonic() + 60
    while not list(store.glob("segments/reports/*")) and time.monotonic() < until:
        time.sleep(0.2)
    code, printed = head.study(laptop, "status", str(store), *there)
    assert code == 0 and f"{job}: RUNNING" in printed and "sent: driven by process" in printed, (
        printed
    )
    code, printed = head.study(laptop, "stop", job, *there)
    assert code == 0 and f"{job}: STOPPED" in printed, printed
    code, printed = head.study(laptop, "status", str(store), *there)
    assert f"{job}: STOPPED" in printed and "sent: interrupted" in printed, printed

    code, printed = head.study(laptop, *submit, "--resume", "--set", "budget.trials=1")
    assert code == 0 and "finished: budget.trials" in printed, printed
    assert sorted(path.name for path in laptop.iterdir()) == ["mine.py", "results", "sent.yaml"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 5
    assert [path for path in files if head.token.encode() in path.read_bytes()] == []


@pytest.mark.ray
def test_nobody_without_the_token_submits(head, laptop):
    submitted = ("submit", "sent.yaml", "--store", "/there", "--address", head.url)
    code, printed = head.study(laptop, *submitted, token="0" * 64)
    assert code == 2 and "RAY_AUTH_TOKEN" in printed and head.token not in printed


@pytest.mark.ray
def test_a_head_on_loopback_is_reached_from_nowhere_else(head):
    family = psutil.Process(head.pid).children(recursive=True)
    listening = [
        connection.laddr
        for process in family
        for connection in process.net_connections(kind="inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert len(listening) > 5
    assert {address.ip.removeprefix("::ffff:") for address in listening} <= {"127.0.0.1", "::1"}
