"""Every shipped study file can be launched, and says what it asks, costs and found."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from joulefront.spec import load_study
from joulefront.spec.trainable import check_trainable
from trainables.attention import ATTENTIONS

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "studies").rglob("*.yaml"))
SECTIONS = ("Question", "Cost", "Command", "Found")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT / "studies"))


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_it_fits_its_trainable(path: Path) -> None:
    spec = load_study(path)
    assert spec.name == path.stem
    check_trainable(spec, deep=True)


@pytest.mark.parametrize("path", FILES, ids=named)
def test_it_says_what_it_asks_costs_and_found(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    comment = text[: text.index("\nname: ")]
    assert re.findall(r"^# (\w+)(?= \([^)]*\):|:)", comment, re.MULTILINE) == list(SECTIONS)
    assert f"# Command: study launch {path.relative_to(ROOT)}" in comment
    assert all(line.startswith("# ") for line in comment.splitlines())
    assert max(map(len, text.splitlines())) <= 122


@pytest.mark.parametrize("name", ["ablation", "data_share", "energy", "masking_ratio"])
def test_the_papers_studies_are_the_papers(name: str) -> None:
    spec = load_study(ROOT / "studies" / "papers" / f"smmt_{name}.yaml")
    assert spec.search.sampler == "grid"
    size = 1
    for parameter in spec.space.values():
        size *= len(parameter.grid())
    assert spec.budget.trials == size
    assert (spec.replicates.folds, spec.replicates.allocate) == (5, "all")
    assert spec.fixed["sparsity_gate"] is False
    assert spec.fixed["exact_clusters"] is True
    assert spec.fixed["checkpoint_every"] == spec.fixed["epochs"]
    assert spec.fixed.get("masking_ratio", 0.3) == 0.3
    assert "element" in (spec.fixed.get("masking"), *_options(spec, "masking"))
    assert "cluster" in (spec.fixed.get("attention"), *_options(spec, "attention"))


def _options(spec: object, name: str) -> tuple[object, ...]:
    parameter = spec.space.get(name)
    return () if parameter is None else parameter.grid()


def test_every_attention_is_timed() -> None:
    spec = load_study(ROOT / "studies" / "papers" / "sequence_length.yaml")
    assert set(spec.space["attention"].grid()) == set(ATTENTIONS)
    assert spec.space["tokens"].grid() == tuple(2**power for power in range(7, 15))
    assert spec.budget.trials == 8 * len(ATTENTIONS)
    assert spec.search.concurrent == 1
