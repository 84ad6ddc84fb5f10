"""Values against annotations read as syntax, with typing's own evaluation as the oracle."""

from __future__ import annotations

import ast
import types
import typing
from typing import Any, Literal, Union

import pytest

from joulefront.spec.annotation import describe, fits, literals

VALUES: list[Any] = [
    None, True, False, 0, 1, 2, 0.0, 1.0, 0.5, "a", "auto", "1", [], [1], [1, 2], ["a"], [True],
    {}, {"a": 1}, {"a": "b"},
]  # fmt: skip
ANNOTATIONS = [
    "int", "float", "bool", "str", "None", "Any", "list", "dict", "tuple",
    "int | None", "int | Literal['auto']",
    "Literal['a', 'auto', 1, None]", "typing.Optional[float]",
    "Union[str, bool]", "list[int]", "list[int | str]", "tuple[int, ...]", "tuple[int, int]",
    "dict[str, int]", "typing.Literal['a']", "typing.Optional[list[bool]]", "'int'", "'int' | None",
]  # fmt: skip


def slow_fits(kind: Any, value: Any) -> bool:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if isinstance(kind, str):
        return slow_fits(eval(kind), value)
    if isinstance(kind, typing.ForwardRef):
        return slow_fits(eval(kind.__forward_arg__), value)
    if kind is Any:
        return True
    if kind in (None, type(None)):
        return value is None
    if origin is Literal:
        return any(type(option) is type(value) and option == value for option in arguments)
    if origin in (Union, types.UnionType):
        return any(slow_fits(argument, value) for argument in arguments)
    if origin is dict:
        return type(value) is dict and all(slow_fits(arguments[1], v) for v in value.values())
    if origin is tuple and arguments[1] is not Ellipsis:
        return (
            type(value) is list
            and len(value) == len(arguments)
            and all(map(slow_fits, arguments, value))
        )
    if origin in (list, tuple):
        return type(value) is list and all(slow_fits(arguments[0], item) for item in value)
    accepted = {float: (int, float), tuple: (list,)}.get(kind, (kind,))
    return type(value) in accepted


@pytest.mark.parametrize("text", ANNOTATIONS)
def test_agrees_with_the_evaluated_annotation(text: str) -> None:
    node = ast.parse(text, mode="eval").body
    evaluated = eval("int | None" if text == "'int' | None" else text)
    for value in VALUES:
        assert fits(node, value) == slow_fits(evaluated, value), (text, value)


def test_unknown_names_fit_everything() -> None:
    node = ast.parse("torch.dtype | MyEnum", mode="eval").body
    assert all(fits(node, value) for value in VALUES)
    assert list(literals(ast.parse("int | Literal['a', 2]", mode="eval").body)) == ["a", 2]
    assert describe(node) == "torch.dtype | MyEnum"
