from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path

import pytest

import trainables.training
from trainables.training import TrainingConfig


def test_it_needs_no_torch() -> None:
    code = "import sys; from trainables.training import TrainingConfig; TrainingConfig()"
    code += "; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_field_has_a_comment_with_its_range_and_source() -> None:
    lines = Path(trainables.training.config.__file__).read_text().splitlines()
    for field in dataclasses.fields(TrainingConfig):
        line = next(row for row in lines if row.startswith(f"    {field.name}: "))
        assert re.search(r"\[[ACFSJ]\]", line.partition("#")[2]), line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("batch_size", 0),
        ("checkpoint_every", 0),
        ("class_weights", "auto"),
        ("clip_norm", -1.0),
        ("effective_beta", 1.0),
        ("epochs", 0),
        ("focal_gamma", -0.5),
        ("label_smoothing", 1.0),
        ("learning_rate", float("inf")),
        ("learning_rate", 0.0),
        ("loss", "hinge"),
        ("optimiser", "lion"),
        ("patience", -1),
        ("precision", "fp16"),
        ("schedule", "step"),
        ("train_share", 0.0),
        ("train_share", 1.1),
        ("warmup_share", 1.0),
        ("weight_decay", float("nan")),
    ],
)
def test_a_value_outside_its_range_is_named(name: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"{name} must be"):
        TrainingConfig(**{name: value})


def test_the_frozen_names_are_there() -> None:
    frozen = ["Batch", "Model", "Output", "Side", "Task", "TrainingConfig", "fit", "load_task"]
    assert trainables.training.__all__ == [*frozen, "take_rows"]
    assert all(hasattr(trainables.training, name) for name in trainables.training.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fti'"):
        trainables.training.fti  # noqa: B018
