"""`study check`: one line where all is well, and the error as it is where not."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from joulefront.cli.check import check
from joulefront.errors import SpecError

STUDY = """\
name: toy
trainable: toy.py:train
space:
  x: {float: [0, 1]}
objectives:
  - {metric: loss, direction: minimise}
budget: {trials: 24}
"""
TRAINABLE = """\
from dataclasses import dataclass

@dataclass
class Config:
    x: float = 0.0

def train(config, trial): ...
def loop(config): ...
"""


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.chdir(tmp_path)
    Path("study.yaml").write_text(STUDY)
    Path("toy.py").write_text(TRAINABLE)
    app = typer.Typer()
    app.command()(check)
    return app


def test_one_line(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["study.yaml"])
    assert result.exit_code == 0
    assert result.output == "study.yaml: ok: 1 parameter, 1 objective, 24 trials\n"


def test_overrides_and_deep(app: typer.Typer) -> None:
    arguments = ["--set", "budget={hours: 0.5, energy_wh: 20}", "--set", "space.x.log=false"]
    result = CliRunner().invoke(app, ["study.yaml", *arguments, "--deep"])
    assert result.output == "study.yaml: ok: 1 parameter, 1 objective, 0.5 h, 20 Wh\n"


def test_conditions_constraints_points_and_ends_are_counted(app: typer.Typer) -> None:
    overrides = [
        "space={x: {float: [0, 1], when: {kind: b}}, kind: {choice: [a, b]}}",
        "constraints=[recall >= 0.5]",
        "search.enqueue=[{kind: a}, {kind: b}]",
        "budget={plateau: {gain: 0.01, trials: 5}, emissions_grams: 2}",
        "energy.country=TWN",
    ]
    Path("toy.py").write_text(TRAINABLE.replace("    x:", "    kind: str = 'a'\n    x:"))
    arguments = [part for override in overrides for part in ("--set", override)]
    result = CliRunner().invoke(app, ["study.yaml", *arguments, "--deep"])
    assert result.output == (
        "study.yaml: ok: 2 parameters (1 conditional), 1 objective, 1 constraint,"
        " 2 enqueued points, 2 g CO2e, until a plateau\n"
    ), result.exception


def test_plain_loop_lists_its_keys(app: typer.Typer) -> None:
    arguments = ["--set", "trainable=toy.py:loop", "--set", "per_trial.workers=1"]
    result = CliRunner().invoke(app, ["study.yaml", *arguments, "--set", "fixed.lr=1e-3"])
    assert result.exit_code == 0
    assert result.output.endswith("whose keys are not checked: x, lr\n")


def test_error_is_the_apps_to_print(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["study.yaml", "--set", "budget.trials=0"])
    assert isinstance(result.exception, SpecError)
    assert str(result.exception) == "--set: budget.trials: must be at least 1; given: 0"
