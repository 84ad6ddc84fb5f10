"""Does a plain value fit a type annotation, read from its syntax tree alone.

Understood are `int`, `float` (an integer fits), `bool`, `str`, `None`, `Literal[...]`, unions
with `|`, and lists and tuples of these. Anything else fits every value: this is a check of study
files, not a type checker.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from joulefront.spec.nearest import nearest

_TYPES: dict[str, tuple[tuple[type, ...], str]] = {
    "bool": ((bool,), "true or false"),
    "int": ((int,), "an integer"),
    "float": ((int, float), "a number"),
    "str": ((str,), "text"),
    "list": ((list, tuple), "a list"),
    "tuple": ((list, tuple), "a list"),
}


def fits(annotation: ast.expr, value: object) -> bool:
    """Return whether a value as YAML gives it fits the annotation.

    Args:
        annotation: Syntax tree of the annotation.
        value: None, bool, int, float, str, or lists and string-keyed dicts of these. A list fits a
            tuple annotation, since YAML has no tuples; a boolean is no integer.
    """
    match annotation:
        case ast.Constant(value=None):
            return value is None
        case ast.BinOp(left=left, op=ast.BitOr(), right=right):
            return fits(left, value) or fits(right, value)
        case ast.Name(id=name) if name in _TYPES:
            return type(value) in _TYPES[name][0]
        case ast.Subscript(value=ast.Name(id="Literal")):
            options = literals(annotation)
            return any(type(option) is type(value) and option == value for option in options)
        case ast.Subscript(value=ast.Name(id="list" | "tuple"), slice=inner):
            return isinstance(value, list | tuple) and _fit_items(inner, value)
    return True


def describe_type(annotation: ast.expr) -> str:
    """Return an annotation in words, as far as they are simple: "an integer or null"."""
    match annotation:
        case ast.Constant(value=None):
            return "null"
        case ast.Name(id=name) if name in _TYPES:
            return _TYPES[name][1]
        case ast.Subscript(value=ast.Name(id="list" | "tuple"), slice=inner):
            item = inner.elts[0] if isinstance(inner, ast.Tuple) else inner
            return f"a list of {describe_type(item)}"
        case ast.BinOp(left=left, right=right):
            return f"{describe_type(left)} or {describe_type(right)}"
    if options := list(literals(annotation)):
        return f"one of {', '.join(map(str, options))}" if len(options) > 1 else str(options[0])
    return ast.unparse(annotation)


def literals(annotation: ast.expr) -> Iterator[object]:
    """Yield every option of every `Literal` in the annotation, in its order."""
    for node in ast.walk(annotation):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal":
            inner = node.slice
            for option in inner.elts if isinstance(inner, ast.Tuple) else [inner]:
                if isinstance(option, ast.Constant):
                    yield option.value


def nearest_option(annotation: ast.expr, value: object) -> str:
    """Return what an error adds after a value that does not fit: the nearest literal, or ""."""
    options = [option for option in literals(annotation) if isinstance(option, str)]
    near = nearest(value, options) if isinstance(value, str) else ""
    return f"nearest valid name: {near}" if near else ""


def _fit_items(inner: ast.expr, items: list[object] | tuple[object, ...]) -> bool:
    match inner:
        case ast.Tuple(elts=[kind, ast.Constant(value=value)]) if value is Ellipsis:
            return all(fits(kind, item) for item in items)
        case ast.Tuple(elts=kinds):
            return len(items) == len(kinds) and all(map(fits, kinds, items))
    return all(fits(inner, item) for item in items)
