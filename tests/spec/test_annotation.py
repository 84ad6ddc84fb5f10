"""Values against annotations read as syntax, with the evaluated annotation as the oracle."""

from __future__ import annotations

import ast
import types
import typing
from typing import Any, Literal

import pytest

from joulefront.spec.annotation import describe_type, fits, literals

VALUES: list[Any] = [
    None, True, False, 0, 1, 2, 0.0, 1.0, 0.5, "a", "auto", "1", [], [1], [1, 2], ["a"], [True],
]  # fmt: skip
ANNOTATIONS = [
    "int", "float", "bool", "str", "None", "list", "tuple", "int | None",
    "int | Literal['auto']", "Literal['a', 'auto', 1, None]", "list[int]", "list[int | str]",
    "tuple[int, ...]", "tuple[int, int]",
]  # fmt: skip


def slow_fits(kind: Any, value: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return any(type(option) is type(value) and option == value for option in arguments)
    if origin in (typing.Union, types.UnionType):
        return any(slow_fits(argument, value) for argument in arguments)
    if origin is tuple and arguments[1] is not Ellipsis:
        return type(value) is list and list(map(type, value)) == list(arguments)
    if origin in (list, tuple):
        return type(value) is list and all(slow_fits(arguments[0], item) for item in value)
    accepted = {float: (int, float), tuple: (list,), None: (type(None),)}.get(kind, (kind,))
    return type(value) in accepted


@pytest.mark.parametrize("text", ANNOTATIONS)
def test_agrees_with_the_evaluated_annotation(text: str) -> None:
    node = ast.parse(text, mode="eval").body
    for value in VALUES:
        assert fits(node, value) == slow_fits(eval(text), value), (text, value)


def test_unknown_names_fit_everything() -> None:
    node = ast.parse("torch.dtype | MyEnum", mode="eval").body
    assert all(fits(node, value) for value in VALUES)
    assert list(literals(ast.parse("int | Literal['a', 2]", mode="eval").body)) == ["a", 2]
    assert describe_type(ast.parse("int | None", mode="eval").body) == "an integer or null"
