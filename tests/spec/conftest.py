"""A trainable package in tmp_path, and a study file that fits it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent

import pytest

CONFIG = """
from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Literal

UNUSED: int = 3


@dataclass(frozen=True, kw_only=True)
class Base:
    epochs: int = 8


@dataclass(frozen=True, kw_only=True)
class Config(Base):
    kind: ClassVar[str] = "x"
    clusters: int | Literal["auto"] = 8
    masking_ratio: float = 0.0
    masking: Literal["element", "modality", "none"] = "none"
    attention: Literal["dense", "cluster"] = "dense"
    mixed_precision: bool = False
    label: str | None = None
    widths: tuple[int, ...] = field(default_factory=tuple)
    derived: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.masking_ratio >= 1:
            raise ValueError("masking_ratio must be below 1")
"""

LAZY = """
from typing import TYPE_CHECKING

from example_trainable.config import Config

if TYPE_CHECKING:
    from example_trainable.train import train

__all__ = ["Config", "train"]


def __getattr__(name: str) -> object:
    if name == "train":
        from example_trainable.train import train

        return train
    raise AttributeError(name)
"""

STUDY = """\
# question
name: example
trainable: example_trainable:train
data: {cohort: synthetic_ad}
fixed:
  epochs: 4
space:
  clusters:
    int: [1, 32]
    log: true
  masking_ratio: {float: [0, 0.8]}
  masking: {choice: [element, modality]}
objectives:
  - {metric: balanced_accuracy, direction: maximise}
  - {metric: energy_joules, direction: minimise}
budget: {trials: 24}
"""

TRAIN = "raise RuntimeError('imported by a check')\ndef train(config, trial): ...\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A lazy package whose `train` module fails on import, in the current folder and importable."""
    folder = tmp_path / "example_trainable"
    folder.mkdir()
    files = {"__init__": LAZY, "config": CONFIG, "train": TRAIN}
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.chdir(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        monkeypatch.delitem(sys.modules, name)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == folder.name]:
        del sys.modules[name]


@pytest.fixture
def write_study(package: Path) -> Callable[..., Path]:
    """Write the example study, with text replaced, as study.yaml in the current folder."""

    def write(*replacements: tuple[str, str], text: str = STUDY) -> Path:
        for old, new in replacements:
            assert old in text
            text = text.replace(old, new)
        Path("study.yaml").write_text(dedent(text))
        return Path("study.yaml")

    return write
