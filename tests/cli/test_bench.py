from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from joulefront.bench import BENCHES, BenchResult
from joulefront.cli.app import app
from joulefront.errors import JoulefrontError


def run(*, full: bool = False) -> BenchResult:
    return BenchResult(figures={"rounds": 9.0 if full else 3.0}, observations=[], table="a table")


def run_short() -> BenchResult:
    return run()


@pytest.fixture(autouse=True)
def benches(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "made_up", sys.modules[__name__])
    monkeypatch.setitem(BENCHES, "long", "made_up:run")
    monkeypatch.setitem(BENCHES, "short", "made_up:run_short")


@pytest.mark.parametrize(("options", "rounds"), [([], 3.0), (["--full"], 9.0)])
def test_the_whole_campaign_is_asked_for(options: list[str], rounds: float, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    done = CliRunner().invoke(app, ["bench", "long", "--json", str(file), *options])
    assert done.exit_code == 0 and "a table" in done.output
    assert json.loads(file.read_text())["figures"] == {"rounds": rounds}


def test_a_bench_without_a_longer_one_says_so() -> None:
    done = CliRunner().invoke(app, ["bench", "short", "--full"])
    assert isinstance(done.exception, JoulefrontError)
    assert "longer campaign" in str(done.exception)
