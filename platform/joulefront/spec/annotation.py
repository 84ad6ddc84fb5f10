"""Does a plain value fit a type annotation, read from its syntax tree alone.

Understood are `int`, `float` (an integer fits), `bool` (no integer fits, and it fits no integer),
`str`, `None`, `Any`, `Literal[...]`, unions, `Optional`, `Annotated`, `Final`, lists, tuples and
mappings, quoted annotations, and names that the given lookup resolves to one of these. Anything
else fits every value: this is a check of study files, not a type checker.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

Resolved: TypeAlias = "tuple[ast.expr, Lookup] | None"
Lookup: TypeAlias = Callable[[str], Resolved]
"""Finds what an alias stands for, and the lookup to read that with; None where it is unknown."""

_ARRAYS = {"list", "List", "tuple", "Tuple", "Sequence", "Iterable", "Collection"}
_MAPPINGS = {"dict", "Dict", "Mapping", "MutableMapping"}
_TRANSPARENT = {"Annotated", "Final", "InitVar", "Required", "ReadOnly"}


def unknown_names(name: str) -> Resolved:
    """Resolve nothing: the lookup of annotations that use no aliases."""
    return None


def fits(annotation: ast.expr, value: object, lookup: Lookup = unknown_names) -> bool:
    """Return whether a value as YAML gives it fits the annotation.

    Args:
        annotation: Syntax tree of the annotation.
        value: None, bool, int, float, str, or lists and string-keyed dicts of these. A list fits a
            tuple annotation, since YAML has no tuples.
        lookup: Resolves the names of aliases.
    """
    match annotation:
        case ast.Constant(value=str(text)):
            return fits(_parse(text), value, lookup)
        case ast.Constant(value=None):
            return value is None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return fits(left, value, lookup) or fits(right, value, lookup)
        case ast.Name() | ast.Attribute():
            return _fits_name(annotation, value, lookup)
        case ast.Subscript(value=head, slice=inner):
            arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return _fits_generic(_last_name(head), arguments, value, lookup)
    return True


def literals(annotation: ast.expr, lookup: Lookup = unknown_names) -> Iterator[object]:
    """Yield every option of every `Literal` in the annotation, in its order."""
    match annotation:
        case ast.Constant(value=str(text)):
            yield from literals(_parse(text), lookup)
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            yield from literals(left, lookup)
            yield from literals(right, lookup)
        case ast.Name(id=name):
            if resolved := lookup(name):
                yield from literals(*resolved)
        case ast.Subscript(value=head, slice=inner):
            arguments = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            if _last_name(head) == "Literal":
                yield from _options(arguments)
            elif _last_name(head) in {"Optional", "Union", *_TRANSPARENT}:
                for argument in arguments:
                    yield from literals(argument, lookup)


def describe(annotation: ast.expr, lookup: Lookup = unknown_names) -> str:
    """Return the annotation as a reader of an error wants it: aliases of literals spelled out."""
    text = ast.unparse(annotation)
    if isinstance(annotation, ast.Name) and (resolved := lookup(annotation.id)):
        return describe(*resolved)
    return text


def is_class_variable(annotation: ast.expr) -> bool:
    """Return whether a dataclass would not count the annotated name as a field."""
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        return is_class_variable(_parse(annotation.value))
    head = annotation.value if isinstance(annotation, ast.Subscript) else annotation
    return _last_name(head) in {"ClassVar", "KW_ONLY"}


def _parse(text: str) -> ast.expr:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return ast.Name(id="Any")


def _last_name(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _fits_name(node: ast.Name | ast.Attribute, value: object, lookup: Lookup) -> bool:
    name = _last_name(node)
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    match name:
        case "bool":
            return isinstance(value, bool)
        case "int":
            return is_integer
        case "float":
            return is_integer or isinstance(value, float)
        case "str":
            return isinstance(value, str)
    if name in _ARRAYS:
        return isinstance(value, list | tuple)
    if name in _MAPPINGS:
        return isinstance(value, Mapping)
    resolved = lookup(name) if isinstance(node, ast.Name) else None
    return resolved is None or fits(resolved[0], value, resolved[1])


def _fits_generic(head: str, arguments: Sequence[ast.expr], value: object, lookup: Lookup) -> bool:
    if head == "Literal":
        return any(
            type(option) is type(value) and option == value for option in _options(arguments)
        )
    if head == "Optional":
        return value is None or fits(arguments[0], value, lookup)
    if head == "Union":
        return any(fits(argument, value, lookup) for argument in arguments)
    if head in _TRANSPARENT:
        return fits(arguments[0], value, lookup)
    if head in _ARRAYS:
        return isinstance(value, list | tuple) and _fit_items(head, arguments, value, lookup)
    if head in _MAPPINGS:
        return isinstance(value, Mapping) and all(
            fits(arguments[-1], item, lookup) for item in value.values()
        )
    return True


def _fit_items(
    head: str, arguments: Sequence[ast.expr], items: Sequence[object], lookup: Lookup
) -> bool:
    repeated = isinstance(arguments[-1], ast.Constant) and arguments[-1].value is Ellipsis
    if head in {"tuple", "Tuple"} and not repeated:
        return len(items) == len(arguments) and all(
            fits(argument, item, lookup) for argument, item in zip(arguments, items, strict=True)
        )
    return all(fits(arguments[0], item, lookup) for item in items)


def _options(arguments: Sequence[ast.expr]) -> Iterator[object]:
    for argument in arguments:
        try:
            yield ast.literal_eval(argument)
        except ValueError:  # an enum's member: no value that YAML can give
            continue
