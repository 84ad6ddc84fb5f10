"""Trainables found without being imported, in every shape they may have, and imported at last."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from joulefront.errors import SpecError, TrainableError
from joulefront.spec import check_study, find_config_fields, import_trainable

Write = Callable[..., Path]

CONFIG = "from dataclasses import dataclass\n@dataclass\nclass Config:\n    x: int = 1\n"


def test_config_is_found_without_importing(package: Path) -> None:
    fields = find_config_fields("example_trainable:train")
    assert fields is not None
    assert list(fields) == [
        "epochs", "clusters", "masking_ratio", "masking", "attention", "mixed_precision", "label",
        "widths",
    ]  # fmt: skip
    assert not any(field.required for field in fields.values())
    assert not any(name.startswith("example_trainable") for name in sys.modules)


@pytest.mark.parametrize(
    ("old", "new", "line", "path", "words"),
    [
        ("masking_ratio:", "maskin_ratio:", 11, "space.maskin_ratio", "name: masking_ratio"),
        ("epochs: 4", "epoch: 4", 6, "fixed.epoch", "nearest valid name: epochs"),
        ("epochs: 4", "derived: 4", 6, "fixed.derived", "field of the Config"),
        ("epochs: 4", "kind: a", 6, "fixed.kind", "field of the Config"),
        ("epochs: 4", "epochs: 4.0", 6, "fixed.epochs", "Config.epochs: int; given: 4.0"),
        ("epochs: 4", "epochs: true", 6, "fixed.epochs", "Config.epochs: int; given: true"),
        ("epochs: 4", "epochs: '4'", 6, "fixed.epochs", "given: '4'"),
        ("epochs: 4", "attention: clustr", 6, "fixed.attention", "nearest valid name: cluster"),
        ("epochs: 4", "mixed_precision: 1", 6, "fixed.mixed_precision", "Config.mixed_precision"),
        ("epochs: 4", "widths: [1, a]", 6, "fixed.widths", "tuple[int, ...]"),
        ("int: [1, 32]\n    log: true", "float: [1, 32]", 9, "space.clusters.float", "given: 1.0"),
        (
            "int: [1, 32]\n    log: true",
            "choice: [1, auto, x]",
            9,
            "space.clusters.choice.2",
            "'x'",
        ),
        ("[element, modality]", "[element, modalty]", 12, "space.masking.choice.1", "modality"),
        ("example_trainable:train", "example_trainble:train", 3, "trainable", "example_trainable"),
        (
            "example_trainable:train",
            "example_trainable:trian",
            3,
            "trainable",
            "define the function",
        ),
        (
            "example_trainable:train",
            "example_trainable.trian:train",
            3,
            "trainable",
            "trainable.train",
        ),
        ("example_trainable:train", "example_trainable:Config", 3, "trainable", "be a function"),
        (
            "example_trainable:train",
            "no/file.py:train",
            3,
            "trainable",
            "readable Python; given: no/file.py: No such file",
        ),
        ("example_trainable:train", "sys:train", 3, "trainable", "Python source"),
    ],
)
def test_mistake(write_study: Write, old: str, new: str, line: int, path: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        check_study(write_study((old, new)))
    assert str(caught.value).startswith(f"study.yaml:{line}: {path}: "), caught.value
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "fixed",
    ["clusters: auto", "label: null", "label: a", "widths: [1, 2]", "masking_ratio: 0",
     "attention: dense", "mixed_precision: true"],
)  # fmt: skip
def test_fitting_values(write_study: Write, fixed: str) -> None:
    space = "int: [1, 32]\n    log: true"
    study = write_study(
        ("epochs: 4", fixed), (f"clusters:\n    {space}", "epochs: {int: [1, 9]}"),
        ("  masking_ratio: {float: [0, 0.8]}\n", ""),
    )  # fmt: skip
    check_study(study)


def test_override_is_the_place_of_its_mistake(write_study: Write) -> None:
    with pytest.raises(SpecError, match=r"^--set: fixed\.masking_ratoi: .*name: masking_ratio"):
        check_study(write_study(), ["fixed.masking_ratoi=0.5"])


def lazy(body: str) -> str:
    return f"from example_trainable.config import Config\n{body}\n"


@pytest.mark.parametrize(
    "source",
    [
        lazy("__all__ = ['Config', 'train']\ndef __getattr__(name): ..."),
        lazy("_LAZY = {'train': 'example_trainable.train:train'}\ndef __getattr__(name): ..."),
        lazy("def __getattr__(name):\n    if name == 'train':\n        return load(name)"),
        lazy("__getattr__ = attach(__name__, {'train': ['train']})"),
        lazy("from .train import train"),
        lazy("from . import train as other\nfrom example_trainable.train import train as train"),
        lazy("try:\n    from .train import train\nexcept ImportError:\n    raise"),
        lazy("def _inner(config, trial, verbose=False): ...\ntrain = _inner"),
        lazy("import functools\ntrain = functools.partial(print)"),
        "from .whole import train",
    ],
)
def test_shapes_of_a_trainable(package: Path, source: str) -> None:
    (package / "__init__.py").write_text(source)
    (package / "whole.py").write_text(CONFIG + "def train(config, trial): ...\n")
    assert find_config_fields("example_trainable:train")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def __getattr__(name): ...\n" + CONFIG, "define the function"),
        ("from .absent import train\n" + CONFIG, "define the function"),
        ("from .train import *\n" + CONFIG, "define the function"),
        ("train = train\n", "define the function"),
        (
            "from . import train2 as train\nfrom .__init__ import train as train2\n",
            "define the fun",
        ),
        ("def train(config, trial): ...\n", "dataclass Config beside train"),
        ("def train(config, trial): ...\nclass Config:\n    x: int = 1\n", "must be a dataclass"),
        ("def train(): ...\n" + CONFIG, "0 parameters"),
        ("def train(a, b, c): ...\n" + CONFIG, "3 parameters"),
        ("async def train(a, b): ...\n" + CONFIG, "define the function"),
        ("class train: ...\n" + CONFIG, "must be a function"),
        ("def train(a, b): ...\n" + CONFIG.replace("Config:", "Config(Config):"), "bases of Con"),
        ("def train(a, b): ...\n" + CONFIG.replace("Config:", "Config(Other):"), "bases of Config"),
        ("def train(a, b:\n", "must be readable Python"),
    ],
)
def test_not_a_trainable(package: Path, source: str, words: str) -> None:
    (package / "__init__.py").write_text(source)
    with pytest.raises(TrainableError, match=words):
        find_config_fields("example_trainable:train")


def test_required_fields_must_be_given(write_study: Write) -> None:
    Path("single.py").write_text(
        "import torch.no.such\n" + CONFIG + "    y: float\n    z: 'list[int]'\n"
        "def train(config, trial): ...\n"
    )
    study = write_study(
        ("example_trainable:train", "single.py:train"),
        ("epochs: 4", "x: 4\n  z: []"),
        ("clusters:\n    int: [1, 32]\n    log: true", "y: {float: [0, 1]}"),
        ("  masking_ratio: {float: [0, 0.8]}\n  masking: {choice: [element, modality]}\n", ""),
    )
    check_study(study)
    Path("study.yaml").write_text(study.read_text().replace("\n  z: []", ""))
    with pytest.raises(SpecError, match=r"^study\.yaml:5: fixed\.z: .*Config\.z has no default"):
        check_study(study)


def test_a_conditional_parameter_must_have_a_default(write_study: Write) -> None:
    fields = "    y: float\n    masking: str = ''\n"
    Path("single.py").write_text(CONFIG + fields + "def train(config, trial): ...\n")
    study = write_study(
        ("example_trainable:train", "single.py:train"),
        ("epochs: 4", "x: 4"),
        ("clusters:\n    int: [1, 32]", "y:\n    float: [1, 32]"),
        ("  masking_ratio: {float: [0, 0.8]}\n", ""),
    )
    check_study(study)
    with pytest.raises(
        SpecError, match=r"^--set: space\.y\.when: must be absent: Config\.y has no"
    ):
        check_study(study, ["space.y.when={masking: element}"])
    with pytest.raises(SpecError, match=r"space\.clusterz: must be a field .* name: clusters"):
        check_study(write_study(), ["space.clusterz={int: [1, 2], when: {masking: element}}"])


def test_plain_loop(write_study: Write) -> None:
    Path("loop.py").write_text("def loop(config: dict): ...\n")
    study = write_study(("example_trainable:train", "loop.py:loop"), ("masking:", "anything:"))
    with pytest.raises(SpecError, match=r"per_trial\.workers: must be at least 1 for a plain"):
        check_study(study)
    check_study(study, ["per_trial.workers=1"])
    assert find_config_fields("loop.py:loop") is None
    assert import_trainable("loop.py:loop").config_type is None


def test_namespace_folders_and_current_folder(
    package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = package.parent / "outer" / "inner"
    folder.mkdir(parents=True)
    (folder / "leaf.py").write_text(CONFIG + "def train(config, trial): ...\n")
    monkeypatch.setattr(sys, "path", sys.path[1:])
    assert find_config_fields("outer.inner.leaf:train")
    monkeypatch.setattr(sys, "path", list(sys.path))  # the current folder joins it
    trainable = import_trainable("outer.inner.leaf:train")
    assert trainable.config_type is not None and trainable.config_type().x == 1
    for name in ("outer", "outer.inner", "outer.inner.leaf"):
        monkeypatch.delitem(sys.modules, name)


def test_import_prefers_the_function_to_a_submodule_of_its_name(package: Path) -> None:
    (package / "train.py").write_text("def train(config, trial):\n    return 'trained'\n")
    for _ in range(2):
        trainable = import_trainable("example_trainable:train")
        assert trainable.train(None, None) == "trained"
    assert trainable.config_type is sys.modules["example_trainable.config"].Config
    assert trainable.module is sys.modules["example_trainable"]


def test_import_of_a_file_happens_once(package: Path) -> None:
    Path("one.py").write_text(CONFIG + "def train(config, trial): ...\n")
    first, second = import_trainable("one.py:train"), import_trainable("./one.py:train")
    assert first.module is second.module and first.config_type is second.config_type


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("absent_module:train", "importable; given: ModuleNotFoundError"),
        ("absent.py:train", "must exist"),
        ("broken.py:train", "importable; given: SyntaxError"),
        ("empty.py:train", "define the function train"),
        ("bare.py:train", "dataclass Config beside train; given: none"),
    ],
)
def test_import_of_what_is_none(package: Path, reference: str, words: str) -> None:
    Path("broken.py").write_text("def train(:\n")
    Path("empty.py").write_text("")
    Path("bare.py").write_text("def train(config, trial): ...\n")
    with pytest.raises(TrainableError, match=words):
        import_trainable(reference)


def test_deep_builds_the_config(write_study: Write, package: Path) -> None:
    with pytest.raises(RuntimeError, match="imported by a check"):
        check_study(write_study(), deep=True)
    (package / "train.py").write_text("def train(config, trial): ...\n")
    sys.modules.pop("example_trainable.train", None)
    check_study(write_study(), deep=True)
    with pytest.raises(SpecError, match=r"study\.yaml:11: space\.masking_ratio\.float: .*below 1"):
        check_study(write_study(("0.8", "1.8")), deep=True)
    with pytest.raises(SpecError, match=r"--set: trainable: .*ModuleNotFoundError"):
        Path("needs.py").write_text("import no_such_module\n" + (CONFIG + "def t(c, d): ...\n"))
        check_study(
            write_study(("epochs: 4", "x: 4"), ("clusters:", "x2:")),
            ["trainable=needs.py:t", "fixed={}", "space={x: {int: [1, 2]}}"],
            deep=True,
        )


PICKY = """
    def __post_init__(self) -> None:
        if self.clusters != 8 and self.attention == "dense":
            raise ValueError("clusters must be 8 where attention is dense")
        if self.masking_ratio >= 0.9:
            raise ValueError("masking_ratio must be below 0.9")
        if self.masking_ratio >= 0.7 and self.masking == "modality":
            raise ValueError("masking must not be of modalities at such a ratio")
        if self.epochs < 1:
            raise ValueError("epochs must be at least 1")
"""


@pytest.fixture
def picky(package: Path, write_study: Write) -> Path:
    """A study whose clusters are searched only where attention is cluster."""
    config = (package / "config.py").read_text()
    (package / "config.py").write_text(config.partition("\n    def __post_init__")[0] + PICKY)
    (package / "train.py").write_text("def train(config, trial): ...\n")
    return write_study(
        ("log: true", "when: {attention: cluster}"),
        ("  masking: {choice", "  attention: {choice: [dense, cluster]}\n  masking: {choice"),
        ("budget:", "search:\n  enqueue:\n    - {masking: element}\nbudget:"),
    )


def test_deep_leaves_out_what_is_not_active(picky: Path) -> None:
    check_study(picky, deep=True)
    with pytest.raises(SpecError, match=r"--set: space\.clusters: .*clusters must be 8 where"):
        check_study(picky, ["space.clusters={int: [1, 32]}"], deep=True)


@pytest.mark.parametrize(
    ("override", "place", "words"),
    [
        ("fixed={label: a, epochs: 0}", "fixed.epochs", "given: epochs=0, label='a'"),
        ("space.masking_ratio={float: [0.9, 0.95]}", "space.masking_ratio", "below 0.9"),
        ("space.masking_ratio.float=[0, 0.95]", "space.masking_ratio.float", "masking_ratio=0.95"),
        (
            "search.enqueue=[{masking_ratio: 0.75, masking: modality}]",
            "search.enqueue.0",
            "given: masking='modality', masking_ratio=0.75",
        ),
    ],
)
def test_deep_blames_what_the_config_complains_of(
    picky: Path, override: str, place: str, words: str
) -> None:
    with pytest.raises(SpecError) as caught:
        check_study(picky, [override], deep=True)
    assert str(caught.value).startswith(f"--set: {place}: Config must accept"), caught.value
    assert words in str(caught.value)


def test_a_range_of_many_steps_is_not_listed(picky: Path) -> None:
    check_study(
        picky, ["space.clusters.int=[1, 1000000000000]", "space.clusters.step=1"], deep=True
    )


def test_importing_the_spec_loads_the_standard_library_and_yaml_only() -> None:
    code = (
        "import sys; before = set(sys.modules); import joulefront.spec;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = [name for name in eval(done.stdout) if not name.startswith(("_cython", "cython"))]
    assert loaded == ["joulefront", "yaml"]  # PyYAML's C part registers Cython's own modules
