"""A study on nodes with addresses of their own: real `ray start` in network namespaces.

One worker is cut off for 30 seconds, the other is killed. The store is a folder: the namespaces
are those of the network only.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from joulefront.store import StudyStore, fold_trials

pytestmark = [pytest.mark.slow, pytest.mark.ray]

NET = "10.77.31"
CUT_SECONDS = 30
TRAINABLE = """
import os, pathlib, tempfile, time
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Config:
    x: float = 0.5
    witness: str = ""
    gate: str = ""

def train(config, trial):
    import ray
    address = ray.util.get_node_ip_address()
    restored = trial.restored_checkpoint()
    done = int((restored / "step").read_text()) if restored else 0
    with trial.measured():
        for step in range(done + 1, 4):
            with open(config.witness, "a") as witness:
                witness.write(f"{config.x} {step} {address}\\n")
            while step == 2 and not os.path.exists(config.gate):
                time.sleep(0.1)
            with tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, "step").write_text(str(step))
                trial.report({"accuracy": config.x}, checkpoint=pathlib.Path(folder))
"""
STUDY = """\
name: namespaces
trainable: {folder}/trainable.py:train
fixed: {{witness: {folder}/witness, gate: {folder}/gate}}
space: {{x: {{float: [0.0, 1.0]}}}}
objectives: [{{metric: accuracy, direction: maximise}}]
search: {{sampler: random, concurrent: 2}}
budget: {{trials: 3}}
per_trial: {{max_failures: 0}}
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Namespaces:
    """Network namespaces on one bridge, a Ray node in each; the first one is the head."""

    def __init__(self, log: Path) -> None:
        self._log = log.open("wb")
        self._name = f"jf{os.getpid()}"
        self._token = secrets.token_hex(32)
        self._nodes: dict[int, subprocess.Popen[bytes]] = {}
        ip("link", "add", self._name, "type", "bridge")
        ip("link", "set", self._name, "up")

    def add(self, number: int) -> None:
        """Make a namespace, with an address, and start its node."""
        space = f"{self._name}n{number}"
        ip("netns", "add", space)
        ip("link", "add", f"{space}v", "type", "veth", "peer", "name", "eth0", "netns", space)
        ip("link", "set", f"{space}v", "master", self._name, "up")
        ip("-n", space, "address", "add", f"{NET}.{number}/24", "dev", "eth0")
        ip("-n", space, "link", "set", "eth0", "up")
        ip("-n", space, "link", "set", "lo", "up")
        where = ["--head", "--port=6399", "--include-dashboard=false", "--num-cpus=0"]
        if number > 1:
            where = [f"--address={NET}.1:6399", "--num-cpus=1"]
        node = ["ray", "start", "--block", f"--node-ip-address={NET}.{number}", *where]
        start = [*node, "--object-store-memory=100000000", "--disable-usage-stats"]
        again = f"until {shlex.join(start)}; do sleep 1; done"  # a busy machine is too slow for Ray
        self._nodes[number] = self.run(number, ["bash", "-c", again])

    def wait(self) -> None:
        """Wait until the head answers."""
        knock = f"import socket; socket.create_connection(('{NET}.1', 6399), 1)"
        deadline = time.monotonic() + 60
        while self.run(1, [sys.executable, "-c", knock]).wait() != 0:
            assert time.monotonic() < deadline, "the head was to start"
            time.sleep(0.5)

    def run(self, number: int, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a command in a namespace, without what this session's own Ray has set."""
        own = {name: text for name, text in os.environ.items() if not name.startswith("RAY_")}
        return subprocess.Popen(
            ["ip", "netns", "exec", f"{self._name}n{number}", *command],
            env=own | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self._token},
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def cut(self, number: int, *, off: bool) -> None:
        """Unplug a namespace, or plug it in again."""
        ip("link", "set", f"{self._name}n{number}v", "down" if off else "up")

    def kill(self, number: int) -> None:
        """End all processes of a namespace, as if its machine had been switched off."""
        space = f"{self._name}n{number}"
        found = subprocess.run(["ip", "netns", "pids", space], capture_output=True, text=True)
        for pid in found.stdout.split():
            os.kill(int(pid), signal.SIGKILL)
        self._nodes[number].wait()

    def close(self) -> None:
        for number in sorted(self._nodes, reverse=True):
            self.kill(number)
            ip("netns", "delete", f"{self._name}n{number}")
        ip("link", "delete", self._name)
        self._log.close()


@pytest.fixture(scope="module")
def namespaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespaces]:
    if os.name != "posix" or shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need Linux, the `ip` command and root")
    try:
        made = Namespaces(tmp_path_factory.mktemp("namespaces") / "log")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"network namespaces are not permitted here: {error.stderr.decode().strip()}")
    try:
        made.add(1)
        made.wait()
        for number in (2, 3):
            made.add(number)
        yield made
    finally:
        made.close()


def test_a_study_survives_a_cut_network_and_a_dead_machine(tmp_path, namespaces):
    (tmp_path / "trainable.py").write_text(TRAINABLE)
    (tmp_path / "study.yaml").write_text(STUDY.format(folder=tmp_path))
    store, witness = tmp_path / "study", tmp_path / "witness"
    command = [sys.executable, "-c", "from joulefront.cli import main; main()", "launch"]
    where = ["--store", str(store), "--address", f"{NET}.1:6399"]
    driver = namespaces.run(1, [*command, str(tmp_path / "study.yaml"), *where])

    def until(condition: Callable[[list[list[str]]], bool]) -> None:
        deadline = time.monotonic() + 90
        while time.monotonic() < deadline and driver.poll() is None:
            lines = witness.read_text().splitlines() if witness.exists() else []
            if condition([line.split() for line in lines]):
                return
            time.sleep(0.2)
        raise AssertionError(witness.read_text() if witness.exists() else "nothing began")

    try:
        for number in (2, 3):
            address = f"{NET}.{number}"
            until(lambda steps, a=address: any(s[1:] == ["2", a] for s in steps))
        namespaces.cut(2, off=True)
        time.sleep(CUT_SECONDS)
        namespaces.cut(2, off=False)
        namespaces.kill(3)
        (tmp_path / "gate").touch()
        assert driver.wait(timeout=120) == 0
    finally:
        if driver.poll() is None:
            driver.kill()
            driver.wait()
    study = StudyStore.open(store)
    table = fold_trials(study.read("trials")).to_pylist()
    assert [row["state"] for row in table] == ["complete"] * 3
    attempts = Counter(row["attempt"] for row in table)
    assert attempts == {1: 2, 2: 1}, "the one that was cut off was to go on as if nothing had been"
    (resumed,) = [row for row in study.read("trials").to_pylist() if row["resumed_epoch"]]
    assert (resumed["resumed_attempt"], resumed["resumed_epoch"]) == (1, 1)
    kinds = [row["kind"] for row in study.read("events").to_pylist()]
    assert "node_lost" in kinds and "trial_failed" not in kinds
