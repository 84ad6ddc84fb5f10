"""`study launch` as a person uses it: a process of its own, interrupted and killed."""

from __future__ import annotations

import csv
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from joulefront import launch as launching
from joulefront.cli.launch import run_study
from joulefront.spec import load_study
from joulefront.store import StudyStore

STUDY = [sys.executable, "-c", "from joulefront.cli import main; main()"]

FILE = """
name: det
trainable: trainables.toy:train
fixed: {epochs: 3, work: 0.0}
space:
  width: {int: [8, 64], log: true}
  depth: {int: [1, 4]}
  learning_rate: {float: [1.0e-4, 1.0], log: true}
  activation: {choice: [relu, tanh]}
objectives:
  - {metric: accuracy, direction: maximise}
  - {metric: flops, direction: minimise}
search: {sampler: tpe, seed: 0, concurrent: 1}
budget: {trials: 20}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "study.yaml").write_text(FILE)
    return tmp_path


def study(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*STUDY, *arguments], cwd=folder, capture_output=True, text=True, check=False, timeout=240
    )


def interrupted(folder: Path, number: int, trials: int, *arguments: str) -> tuple[int, str]:
    """Launch, send a signal once so many trials have ended; return exit code and errors."""
    with subprocess.Popen(
        [*STUDY, "launch", "study.yaml", *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        ended = 0
        for line in process.stdout:
            ended += line.startswith("c0")
            if ended == trials:
                os.kill(process.pid, number)
                break
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors


def configurations(folder: Path, store: str) -> list[dict[str, str]]:
    rows = list(csv.DictReader(io.StringIO(study(folder, "export", store).stdout)))
    assert {row["state"] for row in rows} == {"complete"}
    return [
        {name: value for name, value in row.items() if name.startswith("params.")}
        for row in sorted(rows, key=lambda row: int(row["proposal_index"]))
    ]


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["tpe", "gp", "random", "grid"])
def test_killed_and_resumed_it_proposes_what_an_undisturbed_study_does(folder, sampler):
    options = ("--set", f"search.sampler={sampler}")
    assert study(folder, "launch", "study.yaml", "--store", "whole", *options).returncode == 0
    code, _ = interrupted(folder, signal.SIGKILL, 10, "--store", "killed", *options)
    assert code == -signal.SIGKILL
    resumed = study(folder, "launch", "study.yaml", "--store", "killed", "--resume", *options)
    assert resumed.returncode == 0, resumed.stderr
    assert "accuracy" in resumed.stdout and "finished: budget.trials" in resumed.stdout
    assert len(configurations(folder, "whole")) == 20
    assert configurations(folder, "killed") == configurations(folder, "whole")


@pytest.mark.ray
@pytest.mark.slow
def test_ctrl_c_stops_cleanly_and_leaves_a_resumable_study(folder):
    code, errors = interrupted(folder, signal.SIGINT, 5)
    assert code == 130 and "go on with: study resume" in errors
    assert "finished" in study(folder, "resume", "results/det").stdout
    assert study(folder, "launch", "study.yaml", "--resume").returncode == 0
    assert len(configurations(folder, "results/det")) == 20


@pytest.mark.ray
@pytest.mark.slow
def test_a_second_driver_is_refused_and_study_stop_ends_the_first(folder):
    with subprocess.Popen(
        [*STUDY, "launch", "study.yaml", "--set", "budget.trials=5000"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        next(line for line in process.stdout if line.startswith("c0"))
        second = study(folder, "resume", "results/det")
        assert second.returncode == 2 and f"driven by process {process.pid} on" in second.stderr
        assert "driven by process" in study(folder, "status", "results/det").stdout
        assert f"asked process {process.pid}" in study(folder, "stop", "results/det").stdout
        process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; `study resume`" in study(folder, "status", "results/det").stdout
    assert "does not run" in study(folder, "stop", "results/det").stdout


def test_a_study_that_is_there_is_not_overwritten(folder):
    store = folder / "results" / "det"
    store.mkdir(parents=True)
    (store / "study.json").write_text("{}")
    refused = study(folder, "launch", "study.yaml")
    assert refused.returncode == 2 and "--resume" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1


def test_a_mistake_in_the_file_is_one_line_and_exit_code_2(folder):
    refused = study(folder, "launch", "study.yaml", "--set", "space.widht.int=[1, 8]")
    assert refused.returncode == 2 and "nearest valid name: width" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1 and refused.stdout == ""


def test_a_dry_run_measures_and_stores_nothing(folder):
    shown = study(folder, "launch", "study.yaml", "--dry-run", "--set", "fixed.work=1.0")
    assert shown.returncode == 0, shown.stderr
    assert "20 trials, 1 at once: about" in shown.stdout and "Wh" in shown.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["study.yaml"]


def test_try_runs_one_trial_here_and_stores_nothing(folder):
    shown = study(folder, "try", "study.yaml", "--set", "fixed.epochs=2")
    assert shown.returncode == 0, shown.stderr
    assert "epoch 2: accuracy=" in shown.stdout and "complete after" in shown.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["study.yaml"]


def test_an_unknown_bench_is_named(folder):
    refused = study(folder, "bench", "overhed")
    assert refused.returncode == 2 and "overhead" in refused.stderr


def test_help_is_complete(folder):
    shown = study(folder, "--help").stdout
    for command in ("check", "launch", "try", "status", "front", "logs", "model", "export"):
        assert command in shown


def test_ctrl_c_before_the_first_trial_says_what_is_there(folder, monkeypatch, capsys):
    def interrupted(spec, *, store, **_):
        if store.endswith("made"):
            StudyStore.create(store, {"name": "made"})
        raise KeyboardInterrupt

    monkeypatch.setattr(launching, "launch_study", interrupted)
    spec = load_study(folder / "study.yaml")
    for name, told in (("made", "go on with: study resume "), ("not", "nothing is stored")):
        with pytest.raises(typer.Exit) as ended:
            run_study(spec, str(folder / name), None, None, False, False)
        assert ended.value.exit_code == 130
        assert f"interrupted; {told}" in capsys.readouterr().err
