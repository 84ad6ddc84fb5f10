"""A study on nodes with addresses and disks of their own: real `ray start` in namespaces.

No directory that the study or Ray writes to is shared; what nodes have in common is the installed
software, as an image would have it, and an object store. One worker is cut off from all others
for 30 seconds while its trial reports, so that its connection to the driver is given up by its own
side and not by the driver's; the other is killed.
"""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

from joulefront.store import StudyStore, fold_trials

pytestmark = [pytest.mark.slow, pytest.mark.ray]

NET = f"10.77.{os.getpid() % 256}"  # two sessions at once are to keep out of each other's way
OUTSIDE = f"{NET}.254"  # of this machine, where the object store is
AWS = {
    "AWS_ENDPOINT_URL": f"http://{OUTSIDE}:9753",
    "AWS_ALLOW_HTTP": "true",
    "AWS_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
}
CUT_SECONDS = 30
TRAINABLE = """
import pathlib, tempfile, time
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Config:
    x: float = 0.5

def train(config, trial):
    import ray
    disk = pathlib.Path(__file__).parent
    address = ray.util.get_node_ip_address()
    restored = trial.restored_checkpoint()
    done = int((restored / "step").read_text()) if restored else 0
    with trial.measured():
        for step in range(done + 1, 4):
            with open(disk / "witness", "a") as witness:
                witness.write(f"{config.x} {step} {address}\\n")
            while step == 2 and not (disk / "gate").exists():
                time.sleep(0.1)
            if step == 2:  # said while the network is cut, where there is no store to upload to
                trial.report({"accuracy": config.x})
                continue
            with tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, "step").write_text(str(step))
                trial.report({"accuracy": config.x}, checkpoint=pathlib.Path(folder))
"""
STUDY = """\
name: namespaces
trainable: trainable.py:train
space: {x: {float: [0.0, 1.0]}}
objectives: [{metric: accuracy, direction: maximise}]
search: {sampler: random, concurrent: 2}
budget: {trials: 3}
per_trial: {max_failures: 0}
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Namespaces:
    """Nodes on one bridge, each in a network and a mount namespace; the first one is the head.

    Args:
        log: File for what they print.
        disk: Folder that each of them has for itself, as it has that of Ray's temporary files.
    """

    def __init__(self, log: Path, disk: Path) -> None:
        self._log = log.open("wb")
        self._disk = disk
        self._name = f"jf{os.getpid()}"
        self._token = secrets.token_hex(32)
        self._holders: dict[int, subprocess.Popen[bytes]] = {}
        self._nodes: dict[int, subprocess.Popen[bytes]] = {}
        ip("link", "add", self._name, "type", "bridge")
        ip("address", "add", f"{OUTSIDE}/24", "dev", self._name)
        ip("link", "set", self._name, "up")

    def add(self, number: int) -> None:
        """Make a node's namespaces, with an address, and start Ray there."""
        space = f"{self._name}n{number}"
        ip("netns", "add", space)
        ip("link", "add", f"{space}v", "type", "veth", "peer", "name", "eth0", "netns", space)
        ip("link", "set", f"{space}v", "master", self._name, "up")
        ip("-n", space, "address", "add", f"{NET}.{number}/24", "dev", "eth0")
        ip("-n", space, "link", "set", "eth0", "up")
        ip("-n", space, "link", "set", "lo", "up")
        own = [self._disk, Path(tempfile.gettempdir(), "ray")]
        own[1].mkdir(exist_ok=True)
        mounted = " && ".join(f"mount -t tmpfs none {shlex.quote(str(each))}" for each in own)
        held = f"{mounted} && touch {self._disk}/mounted && exec sleep infinity"
        self._holders[number] = subprocess.Popen(
            ["ip", "netns", "exec", space, "unshare", "--mount", "sh", "-c", held]
        )
        until(self.path(number, "mounted").exists, 10, "a node's disk was to be mounted")
        where = ["--head", "--port=6399", "--include-dashboard=false", "--num-cpus=0"]
        if number > 1:
            where = [f"--address={NET}.1:6399", "--num-cpus=1"]
        node = ["ray", "start", "--block", f"--node-ip-address={NET}.{number}", *where]
        start = [*node, "--object-store-memory=100000000", "--disable-usage-stats"]
        again = f"until {shlex.join(start)}; do sleep 1; done"  # a busy machine is too slow for Ray
        self._nodes[number] = self.run(number, ["bash", "-c", again])

    def path(self, number: int, name: str) -> Path:
        """Return where this process finds a file of a node's own disk."""
        return Path(f"/proc/{self._holders[number].pid}/root{self._disk}/{name}")

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
        holder = str(self._holders[number].pid)
        there = ["sh", "-c", 'cd "$0" && exec "$@"', str(self._disk)]
        return subprocess.Popen(
            ["nsenter", "--target", holder, "--net", "--mount", *there, *command],
            env=own | AWS | {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self._token},
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
        for process in (self._holders[number], self._nodes[number]):
            process.wait()

    def close(self) -> None:
        for number in sorted(self._holders, reverse=True):
            self.kill(number)
            ip("link", "delete", f"{self._name}n{number}v")  # the kernel takes its time otherwise
            ip("netns", "delete", f"{self._name}n{number}")
        ip("link", "delete", self._name)
        self._log.close()


def until(condition: Callable[[], bool], seconds: float, failure: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, failure
        time.sleep(0.1)


@pytest.fixture(scope="module")
def namespaces(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Namespaces]:
    if os.name != "posix" or shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("namespaces need Linux, the `ip` command and root")
    folder = tmp_path_factory.mktemp("namespaces")
    (folder / "disk").mkdir()
    try:
        made = Namespaces(folder / "log", folder / "disk")
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


@pytest.fixture
def store(namespaces: Namespaces, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A prefix in a bucket that all nodes reach, and this process too."""
    for name, value in AWS.items():
        monkeypatch.setenv(name, value)
    server = ThreadedMotoServer(ip_address=OUTSIDE, port=9753, verbose=False)
    server.start()
    client = boto3.client("s3")
    client.create_bucket(Bucket="studies")
    client.close()
    yield "s3://studies/namespaces"
    server.stop()


def test_a_study_survives_a_cut_network_and_a_dead_machine(namespaces, store):
    for number in (1, 2, 3):
        namespaces.path(number, "trainable.py").write_text(TRAINABLE)
    namespaces.path(1, "study.yaml").write_text(STUDY)
    command = [sys.executable, "-c", "from joulefront.cli import main; main()", "launch"]
    where = ["--store", store, "--address", f"{NET}.1:6399"]
    driver = namespaces.run(1, [*command, "study.yaml", *where])

    def is_at_gate(number: int) -> bool:
        witness = namespaces.path(number, "witness")
        assert driver.poll() is None
        return witness.exists() and any(
            line.split()[1:] == ["2", f"{NET}.{number}"]
            for line in witness.read_text().splitlines()
        )

    try:
        for number in (2, 3):
            until(lambda n=number: is_at_gate(n), 90, f"a trial was to begin on node {number}")
        namespaces.cut(2, off=True)
        namespaces.path(2, "gate").touch()
        time.sleep(CUT_SECONDS)
        namespaces.cut(2, off=False)
        namespaces.kill(3)
        assert driver.wait(timeout=120) == 0
    finally:
        if driver.poll() is None:
            driver.kill()
            driver.wait()
    study = StudyStore.open(store)
    table = fold_trials(study.read("trials")).to_pylist()
    assert [row["state"] for row in table] == ["complete"] * 3
    attempts = [row for row in study.read("trials").to_pylist() if row["state"] == "running"]
    assert sorted(row["attempt"] for row in attempts) == [1, 1, 1, 2, 2]
    gone_on = [row for row in attempts if row["attempt"] == 2]
    assert all((row["resumed_attempt"], row["resumed_epoch"]) == (1, 1) for row in gone_on)
    kinds = [row["kind"] for row in study.read("events").to_pylist()]
    assert "node_lost" in kinds and "trial_failed" not in kinds
