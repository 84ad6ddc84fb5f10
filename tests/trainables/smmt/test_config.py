from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import torch

import trainables.smmt
from trainables.attention import ATTENTIONS, load_attention
from trainables.attention.options import AttentionOptions
from trainables.seeding import stream
from trainables.smmt import Config
from trainables.training import TrainingConfig


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
    text = Path(trainables.smmt.config.__file__).read_text()
    inherited = {field.name for field in dataclasses.fields(TrainingConfig)}
    for name in {field.name for field in dataclasses.fields(Config)} - inherited:
        declared = re.search(rf"^    {name}: (?:[^\n]|\n   )*", text, re.MULTILINE)[0]
        comment = declared.splitlines()[-1].partition("#")[2]
        assert "[S]" in comment or "[J]" in comment, declared


def test_the_choices_are_the_registry() -> None:
    assert get_args(get_type_hints(Config)["attention"]) == tuple(sorted(ATTENTIONS))


@pytest.mark.parametrize("name", sorted(ATTENTIONS))
def test_a_price_is_refused_where_no_pattern_is_learned(name: str) -> None:
    layer = load_attention(name).build(AttentionOptions(width=8, heads=2, tokens=12))
    layer(torch.randn(12, 8, generator=stream(0, "rows")), (12,))
    if layer.expected_share is None:
        with pytest.raises(ValueError, match="attention_penalty must be 0 where the attention"):
            Config(attention=name, attention_penalty=0.1)
    else:
        assert Config(attention=name, attention_penalty=0.1).attention_penalty == 0.1


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
        ("gate_learning_rate", 0.0),
        ("attention_penalty", -0.1),
        ("block_size", 0),
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
