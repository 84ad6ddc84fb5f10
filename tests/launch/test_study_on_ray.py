"""Whole studies on one small local Ray."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import time
from collections import Counter

import pytest

from joulefront.errors import StudyError
from joulefront.launch import launch_study
from joulefront.launch.billing import StudyBill
from joulefront.spec import Budget, Float, Int, Objective, PerTrial, Search, Stopping
from joulefront.store import StudyStore, fold_trials

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]


def rows(path) -> list[dict]:
    return fold_trials(StudyStore.open(path).read("trials")).to_pylist()


def write(path, body: str) -> str:
    path.write_text(
        "from dataclasses import dataclass\n\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Config:\n    x: float = 0.5\n\n"
        f"def train(config, trial):\n{body}"
    )
    return f"{path}:train"


def one_parameter(toy_spec, trainable: str, **changes):
    fields = {
        "trainable": trainable,
        "fixed": {},
        "space": {"x": Float(0.0, 1.0)},
        "objectives": (
            Objective("accuracy", "maximise"),
            Objective("energy_joules", "minimise"),
        ),
        "budget": Budget(trials=3),
    }
    return toy_spec(**(fields | changes))


def test_a_study_runs_to_its_end_and_is_not_run_again(tmp_path, toy_spec):
    spec = toy_spec(search=Search(sampler="tpe", concurrent=2), budget=Budget(trials=8))
    outcome = launch_study(spec, store=tmp_path / "study")
    assert outcome.finished and outcome.reason.startswith("budget.trials: 8 of 8")
    table = rows(outcome.path)
    assert [row["state"] for row in table] == ["complete"] * 8
    assert all(row["energy_cpu_joules"] >= 0 and row["flops"] > 0 for row in table)
    with pytest.raises(StudyError, match="must not hold a study yet"):
        launch_study(spec, store=tmp_path / "study")
    assert launch_study(spec, store=tmp_path / "study", resume=True).finished
    assert len(rows(outcome.path)) == 8


def test_a_resume_as_another_study_is_refused(tmp_path, toy_spec):
    launch_study(toy_spec(budget=Budget(trials=1)), store=tmp_path / "study")
    with pytest.raises(StudyError, match="search"):
        changed = Search(sampler="random", seed=1, concurrent=1)
        launch_study(toy_spec(search=changed), store=tmp_path / "study", resume=True)


def test_a_finished_study_is_extended_by_another_budget(tmp_path, toy_spec):
    launch_study(toy_spec(budget=Budget(trials=1)), store=tmp_path / "study")
    launch_study(toy_spec(budget=Budget(trials=3)), store=tmp_path / "study", resume=True)
    assert [row["state"] for row in rows(tmp_path / "study")] == ["complete"] * 3


def test_a_resume_with_other_code_is_refused_unless_it_is_accepted(tmp_path, toy_spec):
    body = "    trial.report({'accuracy': config.x})\n"
    trainable = write(tmp_path / "t.py", body)
    spec = one_parameter(toy_spec, trainable, budget=Budget(trials=1))
    launch_study(spec, store=tmp_path / "study")
    write(tmp_path / "t.py", f"{body}    # another\n")
    more = dataclasses.replace(spec, budget=Budget(trials=2))
    with pytest.raises(StudyError, match=r"code: t\.py changed"):
        launch_study(more, store=tmp_path / "study", resume=True)
    assert len(rows(tmp_path / "study")) == 1
    launch_study(more, store=tmp_path / "study", resume=True, accept_changes=True)
    study = StudyStore.open(tmp_path / "study")
    assert len(rows(tmp_path / "study")) == 2
    (event,) = (e for e in study.read("events").to_pylist() if e["kind"] == "changes_accepted")
    details = json.loads(event["details"])
    assert details["changes"] == ["code: t.py changed"]
    assert details["now"] == study.header["fingerprint"] != details["before"]
    moved = dataclasses.replace(more, data={"root": "elsewhere"}, budget=Budget(trials=3))
    with pytest.raises(StudyError, match="other values of data"):
        launch_study(moved, store=tmp_path / "study", resume=True)
    launch_study(moved, store=tmp_path / "study", resume=True, accept_changes=True)
    study = StudyStore.open(tmp_path / "study")
    accepted = [e for e in study.read("events").to_pylist() if e["kind"] == "changes_accepted"]
    assert json.loads(accepted[-1]["details"]) == {"changes": ["study file: another data"]}
    assert study.header["spec"]["data"] == {"root": "elsewhere"}
    assert launch_study(moved, store=tmp_path / "study", resume=True).finished


def test_failing_and_nan_trials_are_recorded_and_the_study_goes_on(tmp_path, toy_spec):
    body = (
        "    if config.x < 0.4:\n        raise ValueError('boom')\n"
        "    trial.report({'accuracy': float('nan') if config.x < 0.7 else config.x})\n"
    )
    spec = one_parameter(
        toy_spec,
        write(tmp_path / "t.py", body),
        budget=Budget(trials=8),
        per_trial=PerTrial(max_failures=0),
    )
    assert launch_study(spec, store=tmp_path / "study").finished
    for row in rows(tmp_path / "study"):
        x = row["params.x"]
        if x < 0.4:
            assert row["state"] == "failed" and row["failure"] == "ValueError: boom"
        elif x < 0.7:
            assert row["state"] == "failed" and "must end as a finite number" in row["failure"]
        else:
            assert row["state"] == "complete" and math.isfinite(row["accuracy"])


def test_a_failing_trial_is_retried_in_a_fresh_process(tmp_path, toy_spec):
    flag = tmp_path / "flag"
    body = (
        "    import os, pathlib\n"
        f"    flag = pathlib.Path({str(flag)!r})\n"
        "    if not flag.exists():\n"
        "        flag.write_text(str(os.getpid()))\n"
        "        raise ValueError('first time')\n"
        "    assert flag.read_text() != str(os.getpid())\n"
        "    trial.report({'accuracy': 1.0})\n"
    )
    spec = one_parameter(toy_spec, write(tmp_path / "t.py", body), budget=Budget(trials=1))
    launch_study(spec, store=tmp_path / "study")
    (row,) = rows(tmp_path / "study")
    assert row["state"] == "complete" and row["attempt"] == 2
    events = StudyStore.open(tmp_path / "study").read("events").to_pylist()
    failures = [json.loads(e["details"]) for e in events if e["kind"] == "trial_failed"]
    assert failures[0]["failure"] == "ValueError: first time" and failures[0]["retry"]


def test_a_killed_worker_fails_its_trial_only(tmp_path, toy_spec):
    body = (
        "    import os, signal\n"
        "    if config.x < 0.5:\n        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    trial.report({'accuracy': config.x})\n"
    )
    spec = one_parameter(
        toy_spec,
        write(tmp_path / "t.py", body),
        budget=Budget(trials=4),
        per_trial=PerTrial(max_failures=0),
    )
    assert launch_study(spec, store=tmp_path / "study").finished
    states = {row["params.x"] < 0.5: row["state"] for row in rows(tmp_path / "study")}
    assert states == {True: "failed", False: "complete"}


def test_the_energy_of_a_killed_worker_and_of_the_search_itself_are_in_the_bill(tmp_path, toy_spec):
    body = (
        "    import os, signal, time\n"
        "    begun = time.process_time()\n"
        "    with trial.measured():\n"
        "        while time.process_time() - begun < 2.5:\n"
        "            sum(range(10_000))\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    spec = one_parameter(
        toy_spec,
        write(tmp_path / "t.py", body),
        budget=Budget(trials=1),
        per_trial=PerTrial(max_failures=0),
    )
    assert launch_study(spec, store=tmp_path / "study").finished
    study = StudyStore.open(tmp_path / "study")
    (row,) = rows(study.path)
    assert row["state"] == "failed" and row["quality"] == "degraded"
    assert row["quality_reasons"].startswith("process lost") and row["energy_joules"] > 0
    billed = [charge for charge in study.read("energy").to_pylist() if charge["component"] == "cpu"]
    assert [charge["joules"] for charge in billed] == [row["energy_joules"]]
    bill = StudyBill(store=study)
    assert bill.search_joules() > 0


def test_a_reused_process_gives_the_results_of_a_fresh_one(tmp_path, toy_spec):
    body = (
        "    import os, random, numpy as np, torch\n"
        "    values = [random.random(), np.random.rand(), float(torch.rand(()))]\n"
        "    torch.set_default_dtype(torch.float64); torch.set_num_threads(2)\n"
        "    os.environ['MESS'] = os.environ.get('MESS', '') + 'x'; os.chdir('/')\n"
        "    values += [torch.get_num_threads(), len(os.environ['MESS'])]\n"
        "    print('process', os.getpid())\n"
        "    trial.report({'accuracy': sum(values[:3]), 'mess': values[4]})\n"
    )
    spec = one_parameter(toy_spec, write(tmp_path / "t.py", body), budget=Budget(trials=4))
    launch_study(spec, store=tmp_path / "study")
    table = rows(tmp_path / "study")
    assert len({row["accuracy"] for row in table}) == 1
    assert {row["mess"] for row in table} == {1}
    logs = {log.read_text() for log in (tmp_path / "study" / "logs").iterdir()}
    assert len(logs) == 1, "all four trials were to run in one process"


HALVED = {
    "stopping": Stopping(rule="successive_halving", min_epochs=1, reduction=2),
    "objectives": (Objective("accuracy", "maximise"), Objective("cost", "minimise")),
}
"""At each epoch the better half by x goes on."""


def test_a_stopped_trial_leaves_a_sound_process_to_the_next(tmp_path, toy_spec):
    body = (
        "    import os, random, socket, torch\n"
        "    metrics = {'drawn': random.random() + float(torch.rand(())), 'process': os.getpid(),\n"
        "               'mess': os.environ.get('MESS', ''), 'threads': torch.get_num_threads(),\n"
        "               'cores': len(os.sched_getaffinity(0)),\n"
        "               'accuracy': config.x, 'cost': 1 - config.x}\n"
        "    os.environ['MESS'] = 'x'; torch.set_num_threads(2); os.chdir('/')\n"
        "    try:\n"
        "        with trial.measured():\n"
        "            for _ in range(4):\n"
        "                trial.report(metrics)\n"
        "    finally:\n"
        "        print('left')\n"
        "        trial.report(metrics)\n"
    )
    trainable = write(tmp_path / "t.py", body)
    spec = one_parameter(toy_spec, trainable, budget=Budget(trials=8), **HALVED)
    begun = time.monotonic()
    assert launch_study(spec, store=tmp_path / "study").finished
    assert time.monotonic() - begun < 30, "stopped trials were to leave at once"
    table = rows(tmp_path / "study")
    complete = [row for row in table if row["state"] == "complete"]
    assert {row["state"] for row in table} == {"complete", "pruned"} and len(complete) > 1
    for column in ("drawn", "process", "threads", "cores", "mess"):
        assert len({row[column] for row in complete}) == 1, column
    study = StudyStore.open(tmp_path / "study")
    kinds = Counter(
        (row["kind"], row["trial_id"])
        for row in study.read("ledger").to_pylist()
        if row["kind"] in ("open", "window", "close") and row["trial_id"]
    )
    assert set(kinds.values()) == {1} and len(kinds) == 3 * 8, "each attempt was to be closed"
    logs = [log.read_text() for log in (study.path / "logs").iterdir()]
    assert logs == ["left\n"] * 8


@pytest.mark.slow
def test_a_stopped_trial_that_does_not_leave_holds_its_slot_for_half_a_minute(tmp_path, toy_spec):
    body = (
        "    import time\n"
        "    try:\n"
        "        for _ in range(2):\n"
        "            trial.report({'accuracy': config.x, 'cost': 1 - config.x})\n"
        "    finally:\n"
        "        time.sleep(600 if config.x == 0.1 else 0)\n"
    )
    points = tuple({"x": x} for x in (0.9, 0.1, 0.95))
    search = Search(sampler="random", concurrent=1, enqueue=points)
    spec = one_parameter(
        toy_spec,
        write(tmp_path / "t.py", body),
        budget=Budget(trials=3),
        search=search,
        **HALVED,
    )
    begun = time.monotonic()
    assert launch_study(spec, store=tmp_path / "study").finished
    assert time.monotonic() - begun < 60
    states = [row["state"] for row in rows(tmp_path / "study")]
    assert states == ["complete", "pruned", "complete"]


def test_a_strict_budget_stops_the_trials_that_run(tmp_path, toy_spec):
    body = (
        "    import time\n"
        "    with trial.measured():\n"
        "        for _ in range(1000):\n"
        "            sum(range(500_000))\n"
        "            trial.report({'accuracy': config.x})\n"
    )
    spec = one_parameter(
        toy_spec,
        write(tmp_path / "t.py", body),
        search=Search(sampler="random", concurrent=2),
        budget=Budget(energy_wh=0.0005, strict=True),
    )
    outcome = launch_study(spec, store=tmp_path / "study")
    assert outcome.finished and outcome.reason.startswith("budget.energy_wh")
    table = rows(tmp_path / "study")
    assert {row["state"] for row in table} == {"stopped"} and len(table) <= 2
    assert sum(row["energy_joules"] for row in table) < 3 * 0.0005 * 3600


def test_the_workers_environment_is_set_before_torch_is_imported(tmp_path, toy_spec):
    body = (
        "    import os, torch\n"
        "    trial.report({'accuracy': torch.get_num_threads(),\n"
        "                  'policy': os.environ['OMP_WAIT_POLICY'],\n"
        "                  'omp': os.environ['OMP_NUM_THREADS']})\n"
    )
    spec = one_parameter(toy_spec, write(tmp_path / "t.py", body), budget=Budget(trials=1))
    launch_study(spec, store=tmp_path / "study")
    (row,) = rows(tmp_path / "study")
    assert (row["accuracy"], row["policy"], row["omp"]) == (1.0, "PASSIVE", "1")


def test_nothing_listens_beyond_loopback():
    import ray

    ours = set(ray._private.worker._global_node.all_processes) and _ray_pids()
    listing = subprocess.run(["ss", "-ltnpH"], capture_output=True, text=True, check=False).stdout
    beyond = [
        line
        for line in listing.splitlines()
        if any(f"pid={pid}," in line for pid in ours)
        and not line.split()[3].startswith(("127.", "[::1]", "[::ffff:127."))
    ]
    assert beyond == []


def _ray_pids() -> set[int]:
    import os

    import psutil

    return {os.getpid()} | {child.pid for child in psutil.Process().children(recursive=True)}


def test_int_parameters_arrive_as_ints(tmp_path, toy_spec):
    spec = toy_spec(space={"width": Int(8, 9)}, budget=Budget(trials=1))
    launch_study(spec, store=tmp_path / "study")
    assert isinstance(rows(tmp_path / "study")[0]["params.width"], int)


def test_a_trial_that_hangs_is_ended_and_goes_on_from_its_checkpoint(tmp_path, toy_spec):
    marks, weights = tmp_path / "marks", tmp_path / "weights"
    marks.mkdir()
    weights.mkdir()
    (weights / "model").write_text("w")
    trainable = write(
        tmp_path / "hangs.py",
        "    import ctypes, pathlib\n"
        f"    mark = pathlib.Path({str(marks)!r}, str(config.x))\n"
        "    if trial.restored_checkpoint() is None:\n"
        f"        trial.report({{'accuracy': 0.1}}, pathlib.Path({str(weights)!r}))\n"
        "        if not any(mark.parent.iterdir()):\n"
        "            mark.touch()\n"
        "            ctypes.PyDLL(None).sleep(3600)  # with the interpreter's lock\n"
        "    trial.report({'accuracy': config.x})\n",
    )
    each = PerTrial(timeout_minutes=0.05, max_failures=1)
    spec = one_parameter(toy_spec, trainable, per_trial=each, budget=Budget(trials=2))
    study = launch_study(spec, store=tmp_path / "study").path
    table = rows(study)
    assert [row["state"] for row in table] == ["complete"] * 2
    (again,) = [row for row in table if row["attempt"] == 2]
    assert again["trial_id"] == "c0000-f0-s0"
    ends = StudyStore.open(study).read("trials").to_pylist()
    (late,) = [row for row in ends if row["state"] == "failed"]
    assert late["failure"] == "timed out after 0.05 minutes"


def test_a_study_whose_first_trials_all_fail_ends(tmp_path, toy_spec):
    trainable = write(tmp_path / "fails.py", "    raise ValueError('no such thing')\n")
    each = PerTrial(max_failures=0)
    spec = one_parameter(toy_spec, trainable, per_trial=each, budget=Budget(trials=40))
    with pytest.raises(StudyError, match="10 that failed, the last with: ValueError: no such"):
        launch_study(spec, store=tmp_path / "study")
    assert len(rows(tmp_path / "study")) < 15
