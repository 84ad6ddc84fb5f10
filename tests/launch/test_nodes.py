"""Studies on three nodes, simulated on one machine: some leave, another joins."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from joulefront.launch.cluster import _settle_imported_ray, prepare_environment
from joulefront.store import StudyStore, fold_trials

pytestmark = [
    pytest.mark.ray,
    # Ray's `Cluster` drops the handles of a removed node's processes without waiting for them.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

STUDY = """\
name: nodes
trainable: {trainable}
fixed: {{witness: {witness}, gate: {gate}}}
space: {{x: {{float: [0.0, 1.0]}}}}
objectives:
  - {{metric: accuracy, direction: maximise}}
  - {{metric: energy_joules, direction: minimise}}
search: {{sampler: random}}
budget: {{trials: {trials}}}
per_trial: {{max_failures: 0}}
"""
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
    node = ray.get_runtime_context().get_node_id()
    restored = trial.restored_checkpoint()
    done = int((restored / "step").read_text()) if restored else 0
    with trial.measured():
        for step in range(done + 1, 6):
            with open(config.witness, "a") as witness:
                witness.write(f"{config.x} {step} {node}\\n")
            sum(range(1_000_000))
            while step == 3 and not os.path.exists(config.gate):
                time.sleep(0.05)
            with tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, "step").write_text(str(step))
                trial.report({"accuracy": config.x}, checkpoint=pathlib.Path(folder))
"""


class Nodes:
    """A cluster whose head runs the driver, and on whose other nodes trials run."""

    def __init__(self) -> None:
        self._cluster = Cluster()
        self._cluster.add_node(num_cpus=0)
        self.address = self._cluster.address

    def add(self) -> str:
        node = self._cluster.add_node(num_cpus=1)
        return str(node.node_id)

    def remove(self, node_id: str) -> None:
        """End a node without a word, as if its machine had been switched off."""
        (node,) = [node for node in self._cluster.worker_nodes if node.node_id == node_id]
        self._cluster.remove_node(node)

    def drain(self, node_id: str) -> None:
        """Give notice that a node will leave in a minute."""
        command = ["drain-node", "--address", self.address, "--node-id", node_id]
        reason = ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "spot"]
        deadline = ["--deadline-remaining-seconds", "60"]
        subprocess.run(["ray", *command, *reason, *deadline], check=True, capture_output=True)

    def ids(self) -> list[str]:
        return [str(node.node_id) for node in self._cluster.worker_nodes]

    def shutdown(self) -> None:
        self._cluster.shutdown()


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    prepare_environment()
    _settle_imported_ray(loopback=True)
    cluster = Nodes()
    yield cluster
    cluster.shutdown()


Step = tuple[str, int, str]


class Launched:
    """A study's driver in a process of its own, and what its trials witness.

    Its trials take five steps, and stay in the third one until the gate is opened.
    """

    def __init__(self, folder: Path, address: str, trials: int) -> None:
        self.store = folder / "study"
        self._witness = folder / "witness"
        source, study = folder / "trainable.py", folder / "study.yaml"
        source.write_text(TRAINABLE)
        self.gate = folder / "gate"
        files = {"trainable": f"{source}:train", "witness": self._witness, "gate": self.gate}
        study.write_text(STUDY.format(trials=trials, **files))
        command = [
            "-c",
            "from joulefront.cli import main; main()",
            "launch",
            str(study),
            "--store",
            str(self.store),
        ]
        self._log = (folder / "log").open("w+")
        self._driver = subprocess.Popen(
            [sys.executable, *command, "--address", address],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )

    def steps(self) -> list[Step]:
        """x, step and node, in the order in which they began."""
        if not self._witness.exists():
            return []
        lines = [line.split() for line in self._witness.read_text().splitlines()]
        return [(x, int(step), node) for x, step, node in lines]

    def until(self, condition: Callable[[Step], bool]) -> Step:
        """Wait for a step, and return it."""
        deadline = time.monotonic() + 40
        while time.monotonic() < deadline and self._driver.poll() is None:
            for step in self.steps():
                if condition(step):
                    return step
            time.sleep(0.02)
        raise AssertionError(f"it was not witnessed:\n{self._text()}")

    def finish(self) -> list[dict[str, Any]]:
        """Wait for the study's end and return its trials."""
        assert self._driver.wait(timeout=60) == 0, self._text()
        return fold_trials(StudyStore.open(self.store).read("trials")).to_pylist()

    def table(self, name: str) -> list[dict[str, Any]]:
        return StudyStore.open(self.store).read(name).to_pylist()

    def close(self) -> None:
        if self._driver.poll() is None:
            self._driver.kill()
            self._driver.wait()
        self._log.close()

    def _text(self) -> str:
        self._log.seek(0)
        return self._log.read()


@pytest.fixture
def launched(tmp_path: Path, nodes: Nodes) -> Iterator[Callable[[int], Launched]]:
    drivers: list[Launched] = []

    def launch(trials: int) -> Launched:
        drivers.append(Launched(tmp_path, nodes.address, trials))
        return drivers[-1]

    yield launch
    for driver in drivers:
        driver.close()


def test_a_node_leaves_mid_step_and_another_joins(nodes, launched):
    removed, kept = nodes.add(), nodes.add()
    study = launched(3)
    x, *_ = study.until(lambda step: step[1:] == (3, removed))
    nodes.remove(removed)
    added = nodes.add()
    study.until(lambda step: step[2] == added)
    study.gate.touch()
    table = study.finish()
    assert [row["state"] for row in table] == ["complete"] * 3
    (moved,) = [row for row in table if row["attempt"] > 1]
    assert str(moved["params.x"]) == x and moved["attempt"] == 2
    (start,) = [r for r in study.table("trials") if r["kind"] == "start" and r["attempt"] == 2]
    assert (start["resumed_attempt"], start["resumed_epoch"]) == (1, 2)
    own = [step[1:] for step in study.steps() if step[0] == x]
    assert own == [*((n, removed) for n in (1, 2, 3)), *((n, added) for n in (3, 4, 5))]
    assert {step[2] for step in study.steps()} == {removed, kept, added}
    (lost,) = [row for row in study.table("events") if row["kind"] == "node_lost"]
    assert lost["trial_id"] == moved["trial_id"] and json.loads(lost["details"])["host"]


def test_notice_to_leave_is_honoured_by_a_checkpoint(nodes, launched):
    leaving = nodes.ids()[0]
    study = launched(2)
    x, *_ = study.until(lambda step: step[1:] == (3, leaving))
    nodes.drain(leaving)
    time.sleep(1.1)
    study.gate.touch()
    table = study.finish()
    assert [row["state"] for row in table] == ["complete"] * 2
    (moved,) = [row for row in table if row["attempt"] > 1]
    (notice,) = [row for row in study.table("events") if row["kind"] == "preemption_notice"]
    assert notice["trial_id"] == moved["trial_id"]
    own = [step[1:] for step in study.steps() if step[0] == x]
    assert [step for step, _ in own] == [1, 2, 3, 4, 5], "no step was to be lost"
    assert [node == leaving for _, node in own] == [True] * 3 + [False] * 2
    nodes.remove(leaving)
