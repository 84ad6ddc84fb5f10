"""The base of a study's frozen dataclasses: they check their own fields and write themselves.

A field's annotation is its type check, `limited` adds a limit. The error names dataclass
and field; the reader of study files raises it again with file and line.
"""

from __future__ import annotations

import ast
import json
import math
from collections.abc import Mapping
from dataclasses import Field, field, fields
from functools import cache
from typing import Any, ClassVar

from joulefront.errors import SpecError
from joulefront.spec.annotation import describe_type, fits, nearest_option
from joulefront.spec.document import describe


class FieldError(SpecError):
    """A field of a study's dataclass says something that cannot be; `field` is a dotted path."""

    def __init__(self, owner: str, field: str, must: str, *, given: str, remedy: str) -> None:
        super().__init__(must, file=owner, line=0, path=field, given=given, remedy=remedy)
        self.requirement = must


def limited(default: Any, **limit: float) -> Any:
    """Declare a field that must be None or within a limit: `at_least=0` or `above=0`."""
    return field(default=default, metadata=limit)


class Checked:
    """What all dataclasses of a study can do; a subclass adds its own conditions in `check`."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __post_init__(self) -> None:
        for declared in fields(self):
            name, value = declared.name, getattr(self, declared.name)
            annotation = _parsed(str(declared.type))
            if not fits(annotation, value):
                must = f"must be {describe_type(annotation)}"
                raise self.error(name, must, remedy=nearest_option(annotation, value))
            if isinstance(value, float) and not math.isfinite(value):
                raise self.error(name, "must be finite")
            for word, limit in declared.metadata.items() if value is not None else ():
                if value < limit or (word == "above" and value == limit):
                    raise self.error(name, f"must be {word.replace('_', ' ')} {limit}")
            if type(value) is int and fits(annotation, 0.5):
                object.__setattr__(self, name, float(value))
        self.check()

    def check(self) -> None:
        """Raise the `error` of a condition that the types and limits of the fields do not say."""

    def error(
        self, field: str, must: str, *, given: str | None = None, remedy: str = ""
    ) -> FieldError:
        """Return the error of a field; `given` is its value unless told."""
        shown = describe(getattr(self, field)) if given is None else given
        return FieldError(type(self).__name__, field, must, given=shown, remedy=remedy)

    def to_dict(self) -> dict[str, Any]:
        """Return it as a study file writes it, ready for JSON; what is None is left out."""
        values = {declared.name: getattr(self, declared.name) for declared in fields(self)}
        return {name: _written(value) for name, value in values.items() if value is not None}

    def written(self) -> Any:
        """Return what stands for it inside of what it belongs to: its `to_dict`."""
        return self.to_dict()

    def plain_copy(self, field: str) -> Any:
        """Return a copy of a field made of dicts, lists and scalars only, as JSON has them.

        Raises:
            FieldError: Something else is inside, such as a number that is not finite.
        """
        try:
            return json.loads(json.dumps(getattr(self, field), allow_nan=False))
        except (TypeError, ValueError) as error:
            must = "must hold text, finite numbers, true, false, null, lists and mappings only"
            raise self.error(field, must, given=str(error)) from None


def _written(value: Any) -> Any:
    if isinstance(value, Checked):
        return value.written()
    if isinstance(value, Mapping):
        return {key: _written(item) for key, item in value.items()}
    return [_written(item) for item in value] if isinstance(value, list | tuple) else value


@cache
def _parsed(annotation: str) -> ast.expr:
    return ast.parse(annotation, mode="eval").body
