from __future__ import annotations

import pytest

from joulefront.errors import TrainableError
from joulefront.launch.sources import trainable_files


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of which the trainable imports some, and a helper beside it."""
    texts = {
        "pkg_h4/__init__.py": "raise RuntimeError('imported')",
        "pkg_h4/model.py": "from . import layers\nLAZY = {'x': 'pkg_h4.lazy:x', 'y': 'pkg_h4 me'}",
        "pkg_h4/layers.py": "import numpy, helper_h4, absent_h4\nfrom joulefront import trial\n",
        "pkg_h4/lazy.py": "def x():\n    from .deep import inner\n    return inner.y\n",
        "pkg_h4/deep/__init__.py": "",
        "pkg_h4/deep/inner.py": "y = 1",
        "pkg_h4/other.py": "",
        "helper_h4.py": "import json",
        "alone.py": "import helper_h4\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_imports_are_followed_within_the_users_own_code_and_nothing_is_run(package):
    assert list(trainable_files("pkg_h4.model:train")) == [
        "helper_h4.py",
        "pkg_h4/__init__.py",
        "pkg_h4/deep/__init__.py",
        "pkg_h4/deep/inner.py",
        "pkg_h4/layers.py",
        "pkg_h4/lazy.py",
        "pkg_h4/model.py",
    ]


def test_a_file_brings_what_it_imports(package):
    found = trainable_files(f"{package / 'alone.py'}:train")
    assert list(found) == ["alone.py", "helper_h4.py"]


def test_a_registry_of_the_house_is_followed():
    found = trainable_files("trainables.smmt:train")
    assert {"trainables/cohorts/oasis1.py", "trainables/smmt/training.py"} <= found.keys()
    assert "trainables/toy.py" not in found


def test_what_is_not_there_is_refused(package):
    with pytest.raises(TrainableError, match=r"no module pkg_h4\.modle"):
        trainable_files("pkg_h4.modle:train")
    with pytest.raises(TrainableError, match="readable Python"):
        trainable_files("absent.py:train")
