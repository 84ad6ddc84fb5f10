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
def test_a_study_is_sent_followed_asked_for_and_stopped(head, laptop, tmp_path):
    store = tmp_path / "cluster" / "sent"
    there = ("--address", head.url)
    code, printed = head.study(laptop, "submit", "sent.yaml", "--store", str(store), *there)
    assert code == 0, printed
    assert printed.count("c0002") >= 1 and "finished: budget.trials" in printed
    assert (store / "study.json").is_file() and not (laptop / "results" / "sent").exists()

    longer = ("--set", "fixed.seconds=1.0", "--set", "budget.trials=50")
    store = tmp_path / "cluster" / "long"
    submitted = ("submit", "sent.yaml", "--store", str(store), "--no-wait", *longer)
    code, printed = head.study(laptop, *submitted, *there)
    assert code == 0, printed
    job = re.search(r"submitted as (sent-\w+)", printed)[1]
    until = time.monotonic() + 60
    while not list(store.glob("segments/trials/*")) and time.monotonic() < until:
        time.sleep(0.2)
    code, printed = head.study(laptop, "status", str(store), *there)
    assert code == 0 and f"{job}: RUNNING" in printed and "sent: not finished" in printed, printed
    code, printed = head.study(laptop, "stop", job, *there)
    assert code == 0 and f"{job}: STOPPED" in printed, printed
    code, printed = head.study(laptop, "status", str(store), *there)
    assert f"{job}: STOPPED" in printed and "interrupted" in printed, printed
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
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
