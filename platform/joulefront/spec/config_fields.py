"""The fields of a trainable's Config, read from its source; the class itself is never made."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

from joulefront.errors import TrainableError
from joulefront.spec.annotation import Lookup, Resolved, describe, fits, is_class_variable, literals
from joulefront.spec.syntax import Found, SourceModule, find_name


@dataclass(frozen=True, slots=True)
class ConfigField:
    """A field of a trainable's Config, as its source has it.

    Attributes:
        name: Its name.
        annotation: Syntax tree of its type.
        required: Whether it has no default.
        lookup: Resolves the aliases in its annotation.
    """

    name: str
    annotation: ast.expr
    required: bool
    lookup: Lookup

    def accepts(self, value: object) -> bool:
        """Return whether a plain value is of the field's type, as far as `annotation.fits` sees."""
        return fits(self.annotation, value, self.lookup)

    def type_text(self) -> str:
        """Return the type as its source writes it, aliases spelled out."""
        return describe(self.annotation, self.lookup)

    def options(self) -> list[str]:
        """Return the texts among its literal options."""
        found = literals(self.annotation, self.lookup)
        return [option for option in found if isinstance(option, str)]


def read_config(
    module: SourceModule, config: ast.ClassDef, depth: int = 0
) -> dict[str, ConfigField]:
    """Return what a dataclass's constructor takes, in order, its bases' fields first.

    Raises:
        TrainableError: It or a base is no dataclass, or a base's source cannot be followed.
    """
    decorators = [d.func if isinstance(d, ast.Call) else d for d in config.decorator_list]
    names = [d.attr if isinstance(d, ast.Attribute) else getattr(d, "id", "") for d in decorators]
    if "dataclass" not in names:
        shown = ", ".join(names) or "a class without a decorator"
        raise TrainableError(f"{config.name} must be a dataclass", given=shown)
    lookup = _lookup_in(module)
    collected: dict[str, ConfigField] = {}
    for base in reversed(config.bases):
        parent = find_name(module, base.id) if isinstance(base, ast.Name) else None
        if parent is None or not isinstance(parent.statement, ast.ClassDef) or depth > 8:
            must = f"the bases of {config.name} must be classes whose source can be followed"
            raise TrainableError(must, given=ast.unparse(base), remedy="write its fields out")
        collected.update(read_config(parent.module, parent.statement, depth + 1))
    for statement in config.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                if is_class_variable(annotation):
                    continue
                options = _field_options(value)
                if options.get("init") == "False":
                    collected.pop(name, None)
                    continue
                has_default = value is not None and (
                    not _is_field_call(value) or bool({"default", "default_factory"} & set(options))
                )
                collected[name] = ConfigField(name, annotation, not has_default, lookup)
    return collected


def _is_field_call(value: ast.expr | None) -> bool:
    match value:
        case ast.Call(func=ast.Name(id="field") | ast.Attribute(attr="field")):
            return True
    return False


def _field_options(value: ast.expr | None) -> dict[str, str]:
    if isinstance(value, ast.Call) and _is_field_call(value):
        return {k.arg: ast.unparse(k.value) for k in value.keywords if k.arg is not None}
    return {}


def _lookup_in(module: SourceModule) -> Lookup:
    @cache
    def lookup(name: str) -> Resolved:
        match find_name(module, name):
            case Found(
                module=home,
                statement=ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value),
            ):
                return value, _lookup_in(home)
        return None

    return lookup
