"""A study file, with overrides, read and checked: the one way from a path to a `StudySpec`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from joulefront.spec.document import Node
from joulefront.spec.overrides import apply_overrides
from joulefront.spec.read import read_study
from joulefront.spec.study import StudySpec
from joulefront.spec.trainable import check_trainable
from joulefront.spec.yaml_text import read_document


def load_study(path: Path, overrides: Sequence[str] = ()) -> StudySpec:
    """Read a study file and check everything that does not need its trainable.

    Args:
        path: The YAML file. Relative paths in it are taken from the current folder.
        overrides: "dotted.path=yaml-value" each, in the order in which they are put in.

    Raises:
        SpecError: The file or an override says something that cannot be, or `data.root` does not
            exist; with file, line and dotted path.
    """
    return _load(path, overrides)[0]


def check_study(path: Path, overrides: Sequence[str] = (), *, deep: bool = False) -> StudySpec:
    """Read a study file and check it against its trainable too.

    Args:
        path: As in `load_study`.
        overrides: As in `load_study`.
        deep: Import the trainable, where otherwise its syntax tree is read.

    Raises:
        SpecError: As `load_study`; or the trainable cannot be found or is none, or the search
            space or the fixed values do not fit its Config.
    """
    spec, document = _load(path, overrides)
    check_trainable(spec, document, deep=deep)
    return spec


def _load(path: Path, overrides: Sequence[str]) -> tuple[StudySpec, Node]:
    document = apply_overrides(read_document(path), overrides)
    spec = read_study(document)
    root = spec.data.get("root")
    if isinstance(root, str) and not os.path.exists(root):
        place = document.at("data.root")
        raise place.error("the path must exist", remedy=f"it is looked for in {Path.cwd()}")
    return spec, document
