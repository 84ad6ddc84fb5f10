"""Finding modules and the names in them without running any of their code.

A module is located through the import system's own finders, package by package, and parsed. A name
is followed through `from x import y` and plain aliases. A module with a `__getattr__` (PEP 562) may
also offer it lazily: it is then followed through an import under `if TYPE_CHECKING:` or inside
`__getattr__`; without these, any string that equals the name (in `__all__`, a literal dict, a
comparison) counts as offering it, and nothing more is known of it. Star imports are not followed.
"""

from __future__ import annotations

import ast
import os
import pkgutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from joulefront.errors import TrainableError
from joulefront.spec.nearest import nearest

_DEPTH = 16  # of imports that are followed from one name


@dataclass(frozen=True, slots=True)
class SourceModule:
    """A parsed module.

    Attributes:
        name: Dotted name, "" for a file that is not imported by name.
        package: Package that its relative imports start from.
        tree: Its syntax tree.
        bindings: The last top-level statement that binds each name, also inside `if`, `try` and
            `with`. Where there is a `__getattr__`, also under `if TYPE_CHECKING:` and inside it.
    """

    name: str
    package: str
    tree: ast.Module
    bindings: dict[str, ast.stmt]


@dataclass(frozen=True, slots=True)
class Found:
    """Where a name leads: the statement that defines it, or None where it is offered lazily."""

    module: SourceModule
    statement: ast.stmt | None


def search_path() -> list[str]:
    """Return where modules are looked for: `sys.path`, then the current folder."""
    return [*sys.path, os.getcwd()]


def read_module(name: str) -> SourceModule:
    """Locate a module by its dotted name and parse it, running nothing.

    Raises:
        TrainableError: There is none, with the nearest name; or it is not Python source.
    """
    path: Sequence[str] = search_path()
    parts = name.split(".")
    origin, is_package = "", False
    for i, part in enumerate(parts):
        spec = PathFinder.find_spec(part, path) if i else _find_top(part, path)
        if spec is None:
            near = nearest(part, (module.name for module in pkgutil.iter_modules(path)))
            raise TrainableError(
                f"the module {name} must be importable",
                given=f"no module {'.'.join(parts[: i + 1])}",
                remedy=f"nearest valid name: {'.'.join([*parts[:i], near])}" if near else "",
            )
        is_package = spec.submodule_search_locations is not None
        origin, path = spec.origin or "", list(spec.submodule_search_locations or ())
    if not origin.endswith(".py"):
        must = f"the module {name} must be Python source"
        raise TrainableError(must, given=origin or "a folder without __init__.py")
    return _parse(Path(origin), name, name if is_package else name.rpartition(".")[0])


def read_file(path: Path) -> SourceModule:
    """Parse a .py file that belongs to no package.

    Raises:
        TrainableError: It does not exist or is not Python.
    """
    return _parse(path, "", "")


def find_name(module: SourceModule, name: str, depth: int = 0) -> Found | None:
    """Follow a name to the statement that defines it; None where it leads nowhere.

    Imports of modules that cannot be found or parsed lead nowhere.
    """
    if depth > _DEPTH:
        return None
    statement = module.bindings.get(name)
    if isinstance(statement, ast.ImportFrom):
        return _follow_import(module, statement, name, depth)
    if isinstance(statement, ast.Assign | ast.AnnAssign):
        if isinstance(statement.value, ast.Name) and statement.value.id != name:
            return find_name(module, statement.value.id, depth + 1)
        return Found(module, statement)
    if statement is not None:
        return Found(module, statement)
    if "__getattr__" in module.bindings and _has_string(module.tree, name):
        return Found(module, None)
    return None


def split_reference(trainable: str) -> tuple[str, str]:
    """Return module (or .py file) and function of a reference to a trainable."""
    module, _, function = trainable.rpartition(":")
    return module, function


def check_parameter_count(trainable: str, count: int) -> None:
    """Check how many parameters without a default a trainable has.

    Raises:
        TrainableError: Neither one nor two.
    """
    if count not in {1, 2}:
        must = f"{trainable} must take (config, trial), or one dict as a plain Ray Train loop"
        raise TrainableError(must, given=f"{count} parameters without a default")


def _find_top(name: str, path: Sequence[str]) -> ModuleSpec | None:
    """Ask every finder, since editable installs may bring their own."""
    found = (finder.find_spec(name, path) for finder in sys.meta_path)
    return next((spec for spec in found if spec is not None), None)


def _parse(path: Path, name: str, package: str) -> SourceModule:
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except OSError as error:
        shown = f"{path} ({error.strerror})"
        raise TrainableError("the trainable's file must be readable", given=shown) from None
    except (SyntaxError, ValueError) as error:
        place = f"{path}:{getattr(error, 'lineno', None) or 1}"
        must = "the trainable's file must be Python that parses"
        raise TrainableError(must, given=f"{place}: {error}") from None
    bindings = dict(_bindings(tree.body, type_checking=False))
    if (getter := bindings.get("__getattr__")) is not None:
        inside = [node for node in ast.walk(getter) if isinstance(node, ast.ImportFrom)]
        typed = dict(_bindings(tree.body, type_checking=True))
        bindings = {**dict(_bindings(inside, type_checking=True)), **typed, **bindings}
    return SourceModule(name, package, tree, bindings)


def _bindings(body: Iterable[ast.stmt], *, type_checking: bool) -> Iterator[tuple[str, ast.stmt]]:
    for statement in body:
        match statement:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, statement
            case ast.ClassDef(name=name):
                yield name, statement
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                for alias in aliases:
                    yield alias.asname or alias.name, statement
            case ast.Assign(targets=targets):
                for target in targets:
                    names = target.elts if isinstance(target, ast.Tuple) else [target]
                    yield from ((n.id, statement) for n in names if isinstance(n, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, statement
            case ast.If(test=test) if _is_type_checking(test) and not type_checking:
                yield from _bindings(statement.orelse, type_checking=type_checking)
            case ast.If() | ast.Try() | ast.With():
                for block in ("body", "handlers", "orelse", "finalbody"):
                    for inner in getattr(statement, block, ()):
                        nested = inner.body if isinstance(inner, ast.ExceptHandler) else [inner]
                        yield from _bindings(nested, type_checking=type_checking)


def _is_type_checking(test: ast.expr) -> bool:
    match test:
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return True
    return False


def _follow_import(
    module: SourceModule, statement: ast.ImportFrom, name: str, depth: int
) -> Found | None:
    aliases = {alias.asname or alias.name: alias.name for alias in statement.names}
    target = statement.module or ""
    if statement.level:
        parents = module.package.split(".") if module.package else []
        if statement.level > len(parents):
            return None
        base = parents[: len(parents) - statement.level + 1]
        target = ".".join([*base, target] if target else base)
    try:
        source = module if target == module.name else read_module(target)
    except TrainableError:
        return None
    return find_name(source, aliases[name], depth + 1)


def _has_string(tree: ast.Module, text: str) -> bool:
    return any(isinstance(node, ast.Constant) and node.value == text for node in ast.walk(tree))
