from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from joulefront.cli.app import app
from joulefront.energy import self_test as module
from joulefront.energy.self_test import SelfTest
from joulefront.errors import StoreWriteError


def result(model: object) -> SelfTest:
    return SelfTest(
        alone_joules=(4.0, 4.1, 5.0),
        beside_joules=(6.0,) * 6,
        cores=(0, 2),
        degradations=("run queue 12%", "steal 3%"),
        basis="CPU time through psutil, in clock ticks x 3.6 J, modelled",
    )


@pytest.fixture
def tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "self_test", result)


def run(*arguments: str) -> str:
    done = CliRunner().invoke(app, ["meter", *arguments])
    assert done.exit_code == 0, done.output
    return done.output


def test_all_of_it_fits_a_terminal(tested: None) -> None:
    lines = run().splitlines()
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for word in ("node class:", "RAPL", "J a CPU-second", "CodeCarbon 3.", "self-test"):
        assert word in text
    assert "alone             4.1 J (4 to 5, 3 runs)" in text
    assert "beside a copy     6 J (6 to 6, 6 runs), on cores 0 and 2" in text
    assert "ratio of medians  1.463" in text
    assert "psutil, in clock ticks x 3.6 J, modelled" in text
    assert "a neighbour raises the charge" in text
    assert "degraded: run queue 12%, steal 3%" in text


def test_the_test_can_be_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "self_test", None)
    assert "self-test" not in run("--no-test")


def test_json_has_both(tested: None, tmp_path: Path) -> None:
    run("--json", str(tmp_path / "meter.json"))
    values = json.loads((tmp_path / "meter.json").read_text())
    assert values["self_test"]["ratio"] == pytest.approx(6.0 / 4.1)
    assert values["self_test"]["cores"] == [0, 2]
    assert values["node_class"]


def test_json_of_a_skipped_test_is_null(tmp_path: Path) -> None:
    run("--no-test", "--json", str(tmp_path / "meter.json"))
    assert json.loads((tmp_path / "meter.json").read_text())["self_test"] is None
    refused = CliRunner().invoke(app, ["meter", "--no-test", "--json", str(tmp_path / "no" / "x")])
    assert isinstance(refused.exception, StoreWriteError)
