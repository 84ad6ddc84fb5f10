"""From a study file's tree to a `StudySpec`, driven by the dataclasses' own fields and types.

What a value must be is the dataclasses' affair; here their errors get file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from joulefront.spec.checked import FieldError
from joulefront.spec.constraint import Constraint
from joulefront.spec.document import Node
from joulefront.spec.sections import Objective
from joulefront.spec.space import Choice, Float, Int, Parameter
from joulefront.spec.study import StudySpec

Value = TypeVar("Value")

_LISTS: dict[Any, str] = {  # what a list's items are, by their type
    Objective: "{metric: …, direction: maximise | minimise}",
    Constraint: "conditions, as in [sensitivity >= 0.6]",
    Mapping[str, Any]: "points, as in [{clusters: 8}]",
    str: "studies' directories",
}
_KINDS: dict[str, type[Any]] = {"float": Float, "int": Int, "choice": Choice}


def read_study(root: Node) -> StudySpec:
    """Return the study that a tree describes.

    Raises:
        SpecError: A key is unknown or missing, or a value cannot be.
    """
    spec: StudySpec = _read(root, StudySpec)
    return spec


def _read(node: Node, kind: Any) -> Any:
    """Read a node as what a field's type says: a section, several of them, or a plain value."""
    if kind == Parameter:
        return _parameter(node)
    if kind is Constraint:
        return _constraint(node)
    if is_dataclass(kind):
        return _section(node, kind)
    if get_origin(kind) is UnionType and is_dataclass(get_args(kind)[0]):
        return None if node.value is None else _section(node, get_args(kind)[0])
    if get_origin(kind) is Mapping:
        return {key: _read(child, get_args(kind)[1]) for key, child in node.mapping().items()}
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        if not isinstance(node.value, list | None):
            raise node.error(f"must be a list of {_LISTS[item]}")
        return tuple(_read(child, item) for child in node.value or ())
    return node.plain()


def _section(node: Node, section: Any) -> Any:
    node.refuse_unknown_keys([field.name for field in fields(section)])
    given, kinds = node.mapping(), get_type_hints(section)
    for field in fields(section):
        needed = field.default is MISSING and field.default_factory is MISSING
        if needed and field.name not in given:
            raise node.at(field.name).error("must be given", given="nothing")
    values = {name: _read(child, kinds[name]) for name, child in given.items()}
    return _placed(node, lambda: section(**values))


def _parameter(node: Node) -> Parameter:
    if not isinstance(node.value, dict):
        raise node.error(
            "must be {int: [low, high]}, {float: [low, high]} or {choice: [a, b]}",
            remedy="a single value belongs into fixed",
        )
    node.refuse_unknown_keys([*_KINDS, "log", "step", "when"])
    options = node.plain()
    kinds = [kind for kind in _KINDS if kind in options]
    if len(kinds) != 1:
        must = "must have exactly one of float, int, choice"
        raise node.error(must, given=" and ".join(kinds) or "none of them")
    kind = kinds[0]
    values = options.pop(kind)
    if kind == "choice":
        node.refuse_unknown_keys(["choice", "when"])
        return _placed(node, lambda: Choice(values, **options), kind)
    if not isinstance(values, list) or len(values) != 2:
        raise node.at(kind).error("must be [low, high]")
    made: Parameter = _placed(node, lambda: _KINDS[kind](*values, **options), kind)
    return made


def _constraint(node: Node) -> Constraint:
    try:
        return Constraint.parse(node.plain())
    except FieldError as error:
        raise node.error(error.requirement, given=error.given, remedy=error.remedy) from None


def _placed(node: Node, make: Callable[[], Value], kind: str = "") -> Value:
    """Make a value, and give the error of one of its fields the place of that field's node.

    A parameter's bounds and options stand under its `kind`.
    """
    try:
        return make()
    except FieldError as error:
        first, dot, rest = error.path.partition(".")
        first = kind if first in {"low", "high", "options"} else first
        place = node.at(first + dot + rest)
        raise place.error(error.requirement, given=error.given, remedy=error.remedy) from None
