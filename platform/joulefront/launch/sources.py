"""The files of a trainable, found by its syntax trees: none of them is run.

From the trainable's module every import is followed, at whatever depth of the code it stands, and
so is text that names a module of the same package, as literal registries and lazy names
(PEP 562) do: "package.module" or "package.module:name". Followed is the trainable's own package,
and whatever else is neither Python's, nor installed among the site packages, nor joulefront
itself: those are versions of the environment. What a module imports by a name that it computes,
and files that it reads, are not seen.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from joulefront.errors import TrainableError
from joulefront.spec.syntax import locate

_INSTALLED = {"site-packages", "dist-packages"}
_PLATFORM = __name__.partition(".")[0]


def trainable_files(reference: str) -> dict[str, Path]:
    """Return the files of a trainable by their names below the folder they are imported from.

    Args:
        reference: "module:function" or "path/to/file.py:function".

    Raises:
        TrainableError: The trainable's own module is not there or is not Python.
    """
    module = reference.rpartition(":")[0]
    found: dict[str, Path] = {}
    own, pending = "", [module]
    if module.endswith(".py"):
        path = Path(module)
        found[path.name] = path
        pending = [*_named(path, "", own)]
    else:
        own = module.partition(".")[0]
        locate(module)
    seen = set()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        pending += [name.rpartition(".")[0]] if "." in name else []  # runs before it
        file = _followed(name, own)
        if file is None:
            continue
        path, is_package = file
        stem = name.replace(".", "/")
        found[f"{stem}/{path.name}" if is_package else stem + "".join(path.suffixes)] = path
        if path.suffix == ".py":
            pending += _named(path, name if is_package else name.rpartition(".")[0], own)
    return dict(sorted(found.items()))


def _followed(name: str, own: str) -> tuple[Path, bool] | None:
    """Return a module's file and whether it is a package; None where it is not followed."""
    top = name.partition(".")[0]
    if top in sys.stdlib_module_names or top == _PLATFORM:
        return None
    try:
        origin, is_package = locate(name)
    except TrainableError:
        return None  # a name in a module, or a package that is optional and absent
    path = Path(origin)
    if not path.is_file() or (top != own and _INSTALLED.intersection(path.parts)):
        return None
    return path, is_package


def _named(path: Path, package: str, own: str) -> Iterator[str]:
    """Yield what may be modules that a file imports, or names in its text."""
    try:
        tree = ast.parse(path.read_bytes(), filename=str(path))
    except (OSError, SyntaxError, ValueError) as error:
        must = "the trainable's files must be readable Python"
        given = f"{path}: {getattr(error, 'strerror', None) or error}"
        raise TrainableError(must, given=given) from None
    text = re.compile(rf"({own}(?:\.[^\W\d]\w*)+)(?::\w+)?") if own else None
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                yield from (alias.name for alias in aliases)
            case ast.ImportFrom(module=module, names=aliases, level=level):
                parents = package.split(".") if level else []
                base = ".".join([*parents[: len(parents) - level + 1], *filter(None, [module])])
                yield from (f"{base}.{alias.name}" for alias in aliases if base)
            case ast.Constant(value=str(value)) if text and (found := text.fullmatch(value)):
                yield found[1]
