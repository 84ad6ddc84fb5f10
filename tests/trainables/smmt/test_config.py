from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest

import trainables.smmt
from trainables.smmt import Config


def test_the_package_and_its_config_need_no_torch() -> None:
    code = "import sys, trainables.smmt; trainables.smmt.Config(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_train_and_its_companions_are_found_when_asked_for() -> None:
    for name in trainables.smmt.__all__:
        assert getattr(trainables.smmt, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'trian'"):
        trainables.smmt.trian  # noqa: B018


def test_every_field_has_a_comment_with_its_range_and_source() -> None:
    lines = Path(trainables.smmt.config.__file__).read_text().splitlines()
    for field in dataclasses.fields(Config):
        line = next(row for row in lines if row.startswith(f"    {field.name}: "))
        comment = line.partition("#")[2]
        assert "[S]" in comment or "[J]" in comment, line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("clusters", 0),
        ("clusters", "log"),
        ("width", 30),
        ("masking_ratio", 1.5),
        ("sparsity_penalty", -1.0),
        ("sparsity_penalty", float("nan")),
        ("patch_size", 3),
        ("attention", "sparse"),
        ("masking", "all"),
        ("gate_openness", 1.0),
        ("gate_momentum", 1.0),
        ("epochs", 0),
        ("learning_rate", 0.0),
    ],
)
def test_a_value_outside_its_range_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        Config(**{name: value})


def test_a_penalty_that_nothing_responds_to_is_refused() -> None:
    with pytest.raises(ValueError, match="sparsity_penalty must be 0 without sparsity_gate"):
        Config(sparsity_gate=False, sparsity_penalty=0.1)
