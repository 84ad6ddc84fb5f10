"""The fields of a trainable's Config, read from its source; the class itself is never made."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from joulefront.errors import TrainableError
from joulefront.spec.nearest import remedy
from joulefront.spec.syntax import SourceModule, find_name, read_file, read_module


@dataclass(frozen=True, slots=True)
class ConfigField:
    """A field of a trainable's Config, as its source has it."""

    annotation: ast.expr  # syntax tree of its type
    required: bool  # whether it has no default


def find_config_fields(trainable: str) -> dict[str, ConfigField] | None:
    """Return the fields of a trainable's Config by name, importing nothing; None for a plain loop.

    Args:
        trainable: "package.module:function" or "path/to/file.py:function", a relative path being
            taken from the current folder.

    Raises:
        TrainableError: Module, function or Config cannot be found, or are not what they must be.
    """
    reference, _, function = trainable.rpartition(":")
    named = read_file(Path(reference)) if reference.endswith(".py") else read_module(reference)
    found = find_name(named, function)
    if found is None:
        names = [name for name in named.bindings if not name.startswith("_")]
        raise TrainableError(
            f"{reference} must define the function {function}",
            given="no such name, or one that cannot be followed",
            remedy=remedy(function, names),
        )
    home, statement = found
    match statement:
        case ast.FunctionDef(args=ast.arguments(posonlyargs=first, args=rest, defaults=defaults)):
            count = len(first) + len(rest) - len(defaults)
            check_parameter_count(trainable, count)
            if count == 1:
                return None
        case ast.ClassDef():
            raise TrainableError(f"{trainable} must be a function", given="a class")
    for module in (named, home):
        match find_name(module, "Config"):
            case (origin, ast.ClassDef() as config):
                return _fields(origin, config)
    raise TrainableError(
        f"{reference} must have a dataclass Config beside {function}",
        given="none",
        remedy="a plain Ray Train loop takes one parameter, a dict",
    )


def check_parameter_count(trainable: str, count: int) -> None:
    """Check how many parameters without a default a trainable has.

    Raises:
        TrainableError: Neither one nor two.
    """
    if count not in {1, 2}:
        must = f"{trainable} must take (config, trial), or one dict as a plain Ray Train loop"
        raise TrainableError(must, given=f"{count} parameters without a default")


def _fields(module: SourceModule, config: ast.ClassDef) -> dict[str, ConfigField]:
    """Return what a dataclass's constructor takes, its bases' fields first."""
    if not any("dataclass" in ast.unparse(decorator) for decorator in config.decorator_list):
        raise TrainableError(f"{config.name} must be a dataclass", given="no such decorator")
    collected: dict[str, ConfigField] = {}
    for base in reversed(config.bases):
        match find_name(module, ast.unparse(base)):
            case (origin, ast.ClassDef() as parent) if parent is not config:
                collected |= _fields(origin, parent)
            case _:
                must = f"the bases of {config.name} must be classes whose source can be followed"
                raise TrainableError(must, given=ast.unparse(base), remedy="write its fields out")
    for statement in config.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                options = _field_options(value)
                words = {getattr(node, "id", None) for node in ast.walk(annotation)}
                if not words & {"ClassVar", "KW_ONLY"} and options.get("init") != "False":
                    has_default = {"default", "default_factory"} & options.keys()
                    collected[name] = ConfigField(annotation, not has_default)
    return collected


def _field_options(value: ast.expr | None) -> dict[str, str]:
    """Return the keywords of `field(...)`, with a plain default as `default`."""
    match value:
        case None:
            return {}
        case ast.Call(func=ast.Name(id="field") | ast.Attribute(attr="field"), keywords=keywords):
            return {keyword.arg or "": ast.unparse(keyword.value) for keyword in keywords}
    return {"default": ast.unparse(value)}
