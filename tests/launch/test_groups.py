"""Trials that are worker groups, two processes each: how they are run, lost and stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from joulefront.launch import launch_study
from joulefront.spec import Budget, Float, Objective, PerTrial, Search, Stopping, StudySpec
from joulefront.store import StudyStore, fold_trials

pytestmark = [pytest.mark.slow, pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

HEAD = """\
import os, pathlib, signal, tempfile, time
from dataclasses import dataclass

@dataclass(frozen=True, kw_only=True)
class Config:
    x: float = 0.5

def train(config, trial):
"""
LOST = """\
    import ray, torch
    import torch.distributed as dist
    from torch.nn.parallel import DistributedDataParallel
    from ray._private import state

    assert dist.get_backend() == "gloo" and dist.get_world_size() == trial.world_size == 2
    restored = trial.restored_checkpoint()
    done = int((restored / "epoch").read_text()) if restored else 0
    model = DistributedDataParallel(torch.nn.Linear(4, 1))
    with trial.measured():
        for epoch in range(done + 1, 4):
            model(torch.full((8, 4), float(trial.rank))).mean().backward()
            gradient = model.module.weight.grad.mean().item() / (epoch - done)
            if done == 0 and epoch == 2 and trial.rank == 1:
                time.sleep(0.5)
                if config.x < 0.7:
                    os.kill(os.getpid(), signal.SIGKILL)
                actors = state.actors(actor_state_name="ALIVE").values()
                for actor in actors:
                    if actor["ActorClassName"] == "ImplicitFunc":
                        os.kill(actor["Pid"], signal.SIGKILL)
                time.sleep(30)
            with tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, "epoch").write_text(str(epoch))
                metrics = {"accuracy": config.x, "gradient": gradient, "done": done}
                trial.report(metrics, checkpoint=pathlib.Path(folder))
"""
STOPPED = """\
    for _ in range(2):
        trial.report({"accuracy": config.x, "cost": 1 - config.x})
        time.sleep(4)
"""
HUNG = """\
    import ctypes
    pathlib.Path(__file__ + str(trial.rank)).write_text(str(os.getpid()))
    if trial.rank == 1:
        ctypes.PyDLL(None).sleep(600)  # holds the interpreter's lock all the time
    trial.report({"accuracy": config.x})
"""


@pytest.fixture
def launch(tmp_path: Path, toy_spec: Callable[..., StudySpec]) -> Callable[..., StudyStore]:
    def launch(body: str, **changes: Any) -> StudyStore:
        source = tmp_path / "t.py"
        source.write_text(HEAD + body)
        fields = {
            "trainable": f"{source}:train",
            "fixed": {},
            "space": {"x": Float(0.0, 1.0)},
            "per_trial": PerTrial(workers=2),
        }
        spec = toy_spec(**(fields | changes))
        assert launch_study(spec, store=tmp_path / "study").finished
        return StudyStore.open(tmp_path / "study")

    return launch


def groups_left() -> list[str]:
    """What groups have left in Ray: their actors, and their placement groups."""
    import ray
    from ray._private import state

    actors = state.actors(actor_state_name="ALIVE").values()
    ours = {"RayTrainWorker", "SynchronizationActor", "TrainController", "PlacementGroupCleaner"}
    groups = ray.util.placement_group_table().values()
    return [a["ActorClassName"] for a in actors if a["ActorClassName"] in ours] + [
        group["state"] for group in groups if group["state"] != "REMOVED"
    ]


def test_a_group_that_has_lost_a_rank_or_its_controller_goes_on_from_its_checkpoint(launch):
    study = launch(
        LOST,
        objectives=(
            Objective("accuracy", "maximise"),
            Objective("energy_joules", "minimise"),
        ),
        budget=Budget(trials=2),
        search=Search(sampler="random", concurrent=1, enqueue=({"x": 0.5}, {"x": 0.9})),
    )
    for row in fold_trials(study.read("trials")).to_pylist():
        assert (row["state"], row["attempt"]) == ("complete", 2) and row["done"] in (1, 2)
        assert row["gradient"] == pytest.approx(0.5), "ranks 0 and 1 were to be averaged"
        assert row["energy_joules"] > 0
    charged = {r["attempt"] for r in study.read("energy").to_pylist() if r["component"] == "cpu"}
    assert charged == {1, 2}
    failures = [r for r in study.read("events").to_pylist() if r["kind"] == "trial_failed"]
    died = "its process died before it could say why"
    said = [json.loads(row["details"]) for row in failures]
    assert [d["failure"] for d in said] == [f"rank 1: {died}", died]
    assert all(d["retry"] for d in said)
    assert groups_left() == []


def test_a_stopped_group_frees_its_cores_at_once(launch):
    study = launch(
        STOPPED,
        objectives=(Objective("accuracy", "maximise"), Objective("cost", "minimise")),
        budget=Budget(trials=2),
        search=Search(sampler="random", concurrent=1, enqueue=({"x": 0.9}, {"x": 0.1})),
        stopping=Stopping(rule="successive_halving", min_epochs=1, reduction=2),
    )
    whole, stopped = fold_trials(study.read("trials")).to_pylist()
    assert (whole["state"], stopped["state"]) == ("complete", "pruned")
    (told,) = [row for row in study.read("events").to_pylist() if row["kind"] == "trial_pruned"]
    ends = [row for row in study.read("trials").to_pylist() if row["kind"] == "end"]
    assert ends[-1]["time"] - told["time"] < 3, "it was not to end its epoch"
    assert groups_left() == []


def test_a_plain_train_loop_is_taken_as_it_is(tmp_path, launch):
    source = tmp_path / "plain.py"
    source.write_text(
        "import ray.train\n\n"
        "def loop(config):\n"
        "    for epoch in range(2):\n"
        "        ray.train.report({'accuracy': config['x'] * epoch})\n"
    )
    trainable, each = f"{source}:loop", PerTrial(workers=1)
    objectives = (Objective("accuracy", "maximise"),)
    one = Budget(trials=1)
    study = launch(LOST, trainable=trainable, per_trial=each, objectives=objectives, budget=one)
    (row,) = fold_trials(study.read("trials")).to_pylist()
    assert row["state"] == "complete" and row["accuracy"] == pytest.approx(row["params.x"])


def test_a_rank_that_hangs_in_c_code_is_ended_in_time_with_its_group(tmp_path, launch):
    study = launch(
        HUNG,
        objectives=(Objective("accuracy", "maximise"),),
        per_trial=PerTrial(workers=2, timeout_minutes=0.25, max_failures=0),
        budget=Budget(trials=1),
    )
    (row,) = fold_trials(study.read("trials")).to_pylist()
    assert (row["state"], row["failure"]) == ("failed", "timed out after 0.25 minutes")
    ranks = [int((tmp_path / f"t.py{rank}").read_text()) for rank in (0, 1)]
    deadline = time.monotonic() + 10
    while groups_left() or any(map(psutil.pid_exists, ranks)):
        assert time.monotonic() < deadline, "the group was to leave nothing"
        time.sleep(0.1)
