"""The checks that the dataclasses of a study make of their own fields, and the error they raise.

A field's annotation is its type check. The error names the dataclass and the field; the reader of
study files raises it again with file and line.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from joulefront.errors import SpecError
from joulefront.spec.annotation import fits, literals
from joulefront.spec.document import describe
from joulefront.spec.nearest import nearest

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

_KINDS = {
    "str": "text",
    "int": "an integer",
    "float": "a number",
    "bool": "true or false",
    "None": "null",
}


class FieldError(SpecError):
    """A field of a study's dataclass says something that cannot be.

    Args:
        owner: The dataclass instance.
        field: Dotted path from it.
        requirement: What must hold.
        given: What was found.
        remedy: What to do.
    """

    def __init__(
        self, owner: object, field: str, requirement: str, *, given: str = "", remedy: str = ""
    ) -> None:
        name = type(owner).__name__
        super().__init__(requirement, file=name, line=0, path=field, given=given, remedy=remedy)
        self.requirement = requirement


def check_types(owner: DataclassInstance) -> None:
    """Check each field against its annotation, and make floats of integers in float fields.

    Raises:
        FieldError: A value does not fit, or is a float that is not finite.
    """
    for field in fields(owner):
        value = getattr(owner, field.name)
        annotation = _annotation(str(field.type))
        if not fits(annotation, value):
            options = [option for option in literals(annotation) if isinstance(option, str)]
            near = nearest(value, options) if isinstance(value, str) else ""
            raise FieldError(
                owner,
                field.name,
                f"must be {kind(annotation)}",
                given=given(value),
                remedy=f"nearest valid name: {near}" if near else "",
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise FieldError(owner, field.name, "must be finite", given=given(value))
        if type(value) is int and fits(annotation, 0.5):
            object.__setattr__(owner, field.name, float(value))


def check_at_least(owner: object, **minima: float) -> None:
    """Check that each named field is None or at least its minimum.

    Raises:
        FieldError: One is below.
    """
    for name, minimum in minima.items():
        value = getattr(owner, name)
        if value is not None and value < minimum:
            raise FieldError(owner, name, f"must be at least {minimum}", given=given(value))


def plain_copy(owner: object, field: str, value: Any) -> Any:
    """Return a copy made of dicts, lists and scalars only, so that it can be stored as JSON.

    Tuples become lists.

    Raises:
        FieldError: Something else is inside, a key is not text, or a float is not finite.
    """
    if isinstance(value, Mapping):
        if odd := [key for key in value if not isinstance(key, str)]:
            raise FieldError(owner, field, "keys must be text", given=describe(odd[0]))
        return {key: plain_copy(owner, f"{field}.{key}", item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_copy(owner, f"{field}.{i}", item) for i, item in enumerate(value)]
    if value is None or type(value) in {str, bool, int}:
        return value
    if type(value) is float and math.isfinite(value):
        return value
    must = "must be text, a finite number, true, false, null, or lists and mappings of these"
    raise FieldError(owner, field, must, given=given(value))


def kind(annotation: ast.expr) -> str:
    """Return a simple annotation in words: "an integer or null"."""
    options = list(literals(annotation))
    if options:
        shown = ", ".join(str(option) for option in options)
        return f"one of {shown}" if len(options) > 1 else shown
    if isinstance(annotation, ast.BinOp):
        return f"{kind(annotation.left)} or {kind(annotation.right)}"
    text = ast.unparse(annotation)
    return _KINDS.get(text, text)


def given(value: object) -> str:
    """Return a value with its kind where the two could be taken for each other: "'3' (text)"."""
    shown = describe(value)
    if isinstance(value, str):
        return f"{shown} (text)"
    return shown


@lru_cache(maxsize=256)
def _annotation(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body
