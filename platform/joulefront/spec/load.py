"""A study file, with overrides, read and checked: the one way from a path to a `StudySpec`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from joulefront.spec.document import Node, from_plain, join
from joulefront.spec.read import read_study
from joulefront.spec.study import StudySpec
from joulefront.spec.trainable import check_trainable
from joulefront.spec.yaml_text import parse, read_document

_COMMAND_LINE = "--set"  # stands in errors where a file's name would


def load_study(path: Path, overrides: Sequence[str] = ()) -> StudySpec:
    """Read a study file and check everything that does not need its trainable.

    Args:
        path: The YAML file. Relative paths in it are taken from the current folder.
        overrides: "dotted.path=yaml-value" each: the last one of a path wins, missing mappings on
            the way are made, and a list is replaced as a whole.

    Raises:
        SpecError: The file or an override says something that cannot be, or `data.root` or a study
            of `search.warm_start` does not exist; with file (or "--set"), line and dotted path.
    """
    return _load(path, overrides)[0]


def check_study(path: Path, overrides: Sequence[str] = (), *, deep: bool = False) -> StudySpec:
    """Read a study file as `load_study` does, and check it against its trainable too.

    Raises:
        SpecError: As `load_study` and `check_trainable`.
    """
    spec, document = _load(path, overrides)
    check_trainable(spec, document, deep=deep)
    return spec


def _load(path: Path, overrides: Sequence[str]) -> tuple[StudySpec, Node]:
    document = read_document(path)
    for override in overrides:
        target, equals, text = override.partition("=")
        if not equals or not all(target.split(".")):
            place, remedy = (
                Node(override, _COMMAND_LINE, 0, target),
                "as in budget.trials=6",
            )
            raise place.error("must be dotted.path=value", remedy=remedy)
        value = parse(text, file=_COMMAND_LINE, path=target).plain()
        new = from_plain(value, file=_COMMAND_LINE, path=target)
        document = _put(document, target.split("."), new)
    spec = read_study(document)
    root = spec.data.get("root")
    if isinstance(root, str) and not Path(root).exists():
        place = document.at("data.root")
        raise place.error("the path must exist", remedy=f"it is looked for in {Path.cwd()}")
    for index, study in enumerate(spec.search.warm_start):
        if "://" not in study and not (Path(study) / "study.json").is_file():  # or at the launch
            place = document.at(f"search.warm_start.{index}")
            must, remedy = "must be a study's directory", f"it is looked for in {Path.cwd()}"
            raise place.error(must, given=f"no {study}/study.json", remedy=remedy)
    return spec, document


def _put(node: Node, parts: Sequence[str], value: Node) -> Node:
    if not parts:
        return value
    place = Node(None, _COMMAND_LINE, 0, join(node.path, parts[0]))
    if node.value is not None and not isinstance(node.value, dict):
        must = f"{node.path} must be a mapping for this path to lead through it"
        raise replace(place, value=node.value).error(must)
    children = dict(node.value or {})
    children[parts[0]] = _put(children.get(parts[0], place), parts[1:], value)
    return replace(node, value=children)
