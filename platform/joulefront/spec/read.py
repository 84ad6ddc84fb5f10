"""From a study file's tree to a `StudySpec`: which keys there are, and where an error stands.

What a value must be is the dataclasses' own affair; here their errors get file and line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any, TypeVar

from joulefront.spec.document import Node
from joulefront.spec.fields import FieldError
from joulefront.spec.sections import (
    Budget,
    Energy,
    Objective,
    PerTrial,
    Replicates,
    Search,
    Stopping,
)
from joulefront.spec.space import Choice, Float, Int, Parameter
from joulefront.spec.study import StudySpec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    Section = TypeVar("Section", bound=DataclassInstance)
Value = TypeVar("Value")

NOT_BUILT = (
    "constraints",
    "space.*.when",
    "search.warm_start",
    "search.enqueue",
    "stopping.min_epochs",
    "budget.emissions_grams",
    "budget.plateau",
    "budget.strict",
    "per_trial.timeout_minutes",
)
"""Dotted paths that study files will know: refused by name until they mean something."""

_SECTIONS: dict[str, type[Any]] = {
    "budget": Budget,
    "search": Search,
    "replicates": Replicates,
    "stopping": Stopping,
    "per_trial": PerTrial,
    "energy": Energy,
}
_KINDS = ("float", "int", "choice")


def read_study(root: Node) -> StudySpec:
    """Return the study that a tree describes.

    Raises:
        SpecError: A key is unknown, missing or not built yet, or a value cannot be.
    """
    _refuse_not_built_rule(root)
    for pattern in NOT_BUILT:
        for node in _select(root, pattern.split(".")):
            name = node.path.rpartition(".")[2]
            raise node.error(f"{name} is not built yet", remedy="take it out")
    _check_keys(root, StudySpec)
    read: dict[str, Any] = {
        "name": root.at("name").plain(),
        "trainable": root.at("trainable").plain(),
        "space": {name: _parameter(node) for name, node in root.at("space").mapping().items()},
        "objectives": tuple(_objectives(root.at("objectives"))),
        "data": _plain_mapping(root.at("data")),
        "fixed": _plain_mapping(root.at("fixed")),
    }
    for name, section in _SECTIONS.items():
        read[name] = _section(section, root.at(name))
    return _placed(root, lambda: StudySpec(**read))


def _refuse_not_built_rule(root: Node) -> None:
    """Name the rule itself before its options: that is what the user has to change."""
    rule = root.at("stopping.rule")
    if rule.value is not None:
        _placed(root.at("stopping"), lambda: Stopping(rule=rule.plain()))


def _select(node: Node, parts: list[str]) -> Iterator[Node]:
    if not parts:
        yield node
    elif isinstance(node.value, dict):
        for key, child in node.value.items():
            if parts[0] in {key, "*"}:
                yield from _select(child, parts[1:])


def _check_keys(node: Node, section: type[DataclassInstance]) -> None:
    """Refuse keys that are no fields of the dataclass, and miss none that has no default."""
    node.refuse_unknown_keys([field.name for field in fields(section)])
    for field in fields(section):
        needed = field.default is MISSING and field.default_factory is MISSING
        if needed and field.name not in node.mapping():
            raise node.at(field.name).error("must be given", given="nothing")


def _section(section: type[Section], node: Node) -> Section:
    """Read a flat mapping into a dataclass whose fields are its keys."""
    _check_keys(node, section)
    values = {key: child.plain() for key, child in node.mapping().items()}
    return _placed(node, lambda: section(**values))


def _objectives(node: Node) -> Iterator[Objective]:
    if not isinstance(node.value, list):
        raise node.error("must be a list of {metric: …, direction: maximise | minimise}")
    for item in node.value:
        yield _section(Objective, item)


def _plain_mapping(node: Node) -> dict[str, Any]:
    return {key: child.plain() for key, child in node.mapping().items()}


def _parameter(node: Node) -> Parameter:
    if not isinstance(node.value, dict):
        raise node.error(
            "must be {int: [low, high]}, {float: [low, high]} or {choice: [a, b]}",
            remedy="a single value belongs into fixed",
        )
    kinds = [kind for kind in _KINDS if kind in node.value]
    if len(kinds) != 1:
        node.refuse_unknown_keys([*_KINDS, "log", "step"])
        must = "must have exactly one of float, int, choice"
        raise node.error(must, given=" and ".join(kinds) or "none of them")
    kind = kinds[0]
    node.refuse_unknown_keys([kind] if kind == "choice" else [kind, "log", "step"])
    values = node.value[kind]
    if kind == "choice":
        return _placed(node, lambda: Choice(values.plain()), {"options": kind})
    if not isinstance(values.value, list) or len(values.value) != 2:
        raise values.error("must be [low, high]")
    low, high = values.plain()
    options = {key: node.at(key).plain() for key in ("log", "step") if key in node.value}
    maker: type[Float] | type[Int] = Float if kind == "float" else Int
    return _placed(node, lambda: maker(low, high, **options), {"low": kind, "high": kind})


def _placed(node: Node, make: Callable[[], Value], renamed: dict[str, str] | None = None) -> Value:
    """Make a value, and give the error of one of its fields the place of that field's node."""
    try:
        return make()
    except FieldError as error:
        first, dot, rest = error.path.partition(".")
        relative = (renamed or {}).get(first, first) + dot + rest
        place = node.at(relative)
        raise place.error(error.requirement, given=error.given, remedy=error.remedy) from None
