"""Finding modules and the names in them without running any of their code.

A name is followed through `from x import y`, also under `if TYPE_CHECKING:`, and through plain
aliases, but not through star imports. A module with a `__getattr__` (PEP 562) may also offer it
lazily: any string in it that equals the name counts, and nothing more is then known of it.
"""

from __future__ import annotations

import ast
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import NamedTuple

from joulefront.errors import TrainableError
from joulefront.spec.nearest import nearest

_DEPTH = 16  # of imports that are followed from one name


class SourceModule(NamedTuple):
    """A parsed module."""

    package: str  # that its relative imports start from; "" for a file without one
    bindings: dict[str, ast.stmt]  # what binds each top-level name; `pass` where only offered


def locate(name: str) -> tuple[str, bool]:
    """Find a module's file by its dotted name, running nothing; and whether it is a package.

    The file is "" for a folder without `__init__.py`, "built-in" or "frozen" for Python's own.

    Raises:
        TrainableError: There is none, with the nearest name.
    """
    path: Sequence[str] = [*sys.path, os.getcwd()]
    parts = name.split(".")
    origin, is_package = "", False
    for i, part in enumerate(parts):
        finders = [PathFinder] if i else sys.meta_path  # editable installs may bring their own
        specs = (finder.find_spec(part, path) for finder in finders)
        spec = next((spec for spec in specs if spec is not None), None)
        if spec is None:
            near = nearest(part, (module.name for module in pkgutil.iter_modules(path)))
            raise TrainableError(
                f"the module {name} must be importable",
                given=f"no module {'.'.join(parts[: i + 1])}",
                remedy=f"nearest valid name: {'.'.join([*parts[:i], near])}" if near else "",
            )
        is_package = spec.submodule_search_locations is not None
        origin, path = spec.origin or "", list(spec.submodule_search_locations or ())
    return origin, is_package


def read_module(name: str) -> SourceModule:
    """Locate a module by its dotted name and parse it, running nothing.

    Raises:
        TrainableError: There is none, with the nearest name; or it is not Python source.
    """
    origin, is_package = locate(name)
    if not origin.endswith(".py"):
        must = f"the module {name} must be Python source"
        raise TrainableError(must, given=origin or "a folder without __init__.py")
    return read_file(Path(origin), name if is_package else name.rpartition(".")[0])


def read_file(path: Path, package: str = "") -> SourceModule:
    """Parse a .py file.

    Raises:
        TrainableError: It does not exist or is not Python.
    """
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (OSError, SyntaxError, ValueError) as error:
        must = "the trainable's file must be readable Python"
        given = f"{path}: {getattr(error, 'strerror', None) or error}"
        raise TrainableError(must, given=given) from None
    bindings = dict(_bindings(tree.body))
    if "__getattr__" in bindings:
        constants = (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant))
        bindings = {text: ast.Pass() for text in constants if isinstance(text, str)} | bindings
    return SourceModule(package, bindings)


def find_name(
    module: SourceModule, name: str, depth: int = 0
) -> tuple[SourceModule, ast.stmt] | None:
    """Follow a name to the module and statement that define it; None where it leads nowhere.

    Imports of modules that cannot be found or parsed lead nowhere.
    """
    if depth > _DEPTH or name not in module.bindings:
        return None
    match module.bindings[name]:
        case ast.ImportFrom() as statement:
            return _follow_import(module, statement, name, depth)
        case ast.Assign(value=ast.Name(id=other)):
            return find_name(module, other, depth + 1)
        case statement:
            return module, statement


def _bindings(body: Iterable[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                yield name, statement
            case ast.ImportFrom(names=aliases):
                yield from ((alias.asname or alias.name, statement) for alias in aliases)
            case ast.Assign(targets=[ast.Name(id=name)]):
                yield name, statement
            case ast.If() | ast.Try():
                yield from _bindings([*statement.orelse, *statement.body])


def _follow_import(
    module: SourceModule, statement: ast.ImportFrom, name: str, depth: int
) -> tuple[SourceModule, ast.stmt] | None:
    original = {alias.asname or alias.name: alias.name for alias in statement.names}[name]
    parents = module.package.split(".") if statement.level else []
    base = parents[: len(parents) - statement.level + 1]
    try:
        source = read_module(".".join([*base, *filter(None, [statement.module])]))
    except TrainableError:
        return None
    return find_name(source, original, depth + 1)
