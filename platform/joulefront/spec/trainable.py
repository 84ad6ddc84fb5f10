"""The trainable a study names: found and checked by its syntax tree, imported only when it runs.

Two parameters without defaults make a joulefront trainable, `train(config, trial)`, and it needs a
dataclass `Config` in the module that the study names or in the one that defines the function. One
makes a plain Ray Train loop, `loop(config)`, which has no Config: its keys are not checked, and it
needs a worker group. A function whose definition cannot be followed (lazy, or made by a call) is
taken for a joulefront trainable.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from joulefront.errors import TrainableError
from joulefront.spec.config_fields import ConfigField, read_config
from joulefront.spec.document import Node, from_plain
from joulefront.spec.fields import given
from joulefront.spec.importing import import_trainable
from joulefront.spec.nearest import nearest, remedy
from joulefront.spec.space import Choice, Float, Parameter
from joulefront.spec.study import StudySpec
from joulefront.spec.syntax import (
    check_parameter_count,
    find_name,
    read_file,
    read_module,
    split_reference,
)

_CHECKED_INTEGERS = 100  # values of an Int that are tried against a Config field's type


def find_config_fields(trainable: str) -> dict[str, ConfigField] | None:
    """Return the fields of a trainable's Config without importing it; None for a plain loop.

    Args:
        trainable: "package.module:function" or "path/to/file.py:function", a relative path being
            taken from the current folder.

    Raises:
        TrainableError: Module, function or Config cannot be found, or are not what they must be.
    """
    reference, function = split_reference(trainable)
    named = read_file(Path(reference)) if reference.endswith(".py") else read_module(reference)
    found = find_name(named, function)
    if found is None:
        functions = [n for n, s in named.bindings.items() if isinstance(s, ast.FunctionDef)]
        raise TrainableError(
            f"{reference} must define the function {function}",
            given="no such name, or one that cannot be followed",
            remedy=remedy(function, functions),
        )
    if isinstance(found.statement, ast.FunctionDef):
        arguments = found.statement.args
        positional = len(arguments.posonlyargs) + len(arguments.args)
        count = positional - len(arguments.defaults)
        check_parameter_count(trainable, count)
        if count == 1:
            return None
    elif not isinstance(found.statement, ast.Assign | ast.AnnAssign | None):
        must = f"{trainable} must be a function"
        raise TrainableError(must, given=f"a {type(found.statement).__name__}")
    for module in (named, found.module):
        config = find_name(module, "Config")
        if config is not None and isinstance(config.statement, ast.ClassDef):
            return read_config(config.module, config.statement)
    raise TrainableError(
        f"{reference} must have a dataclass Config beside {function}",
        given="none",
        remedy="a plain Ray Train loop takes one parameter, a dict",
    )


def check_trainable(spec: StudySpec, document: Node | None = None, *, deep: bool = False) -> None:
    """Check that the trainable exists and that space and fixed values fit its Config.

    Args:
        spec: The study.
        document: The tree it was read from, for file and lines in errors; None where there is none.
        deep: Import the trainable too, and build its Config from the fixed values, and from these
            and each end of each parameter.

    Raises:
        SpecError: One of these does not hold, or a plain loop has no worker group.
    """
    place = document or from_plain(spec.to_dict(), file="study")
    try:
        known = find_config_fields(spec.trainable)
    except TrainableError as error:
        where = place.at("trainable")
        raise where.error(error.must, given=error.given, remedy=error.remedy) from None
    if known is None:
        if spec.per_trial.workers < 1:
            where = place.at("per_trial.workers")
            must = "must be at least 1 for a plain Ray Train loop (a function of one parameter)"
            raise where.error(must, given=str(spec.per_trial.workers))
    else:
        _check_keys(spec, place, known)
        _check_values(spec, place, known)
    if deep:
        _check_deep(spec, place)


def _check_keys(spec: StudySpec, place: Node, known: Mapping[str, ConfigField]) -> None:
    for section, names in (("space", spec.space), ("fixed", spec.fixed)):
        for name in names:
            if name not in known:
                where = place.at(f"{section}.{name}")
                must = f"must be a field of the Config of {spec.trainable}"
                raise where.error(must, given=name, remedy=remedy(name, known))
    for field in known.values():
        if field.required and field.name not in spec.space and field.name not in spec.fixed:
            where = place.at(f"fixed.{field.name}")
            must = f"must be given in space or fixed: Config.{field.name} has no default"
            raise where.error(must, given="nothing")


def _check_values(spec: StudySpec, place: Node, known: Mapping[str, ConfigField]) -> None:
    for name, value in spec.fixed.items():
        _check_value(known[name], value, place.at(f"fixed.{name}"))
    for name, parameter in spec.space.items():
        kind = type(parameter).__name__.lower()
        for index, value in enumerate(_tried(parameter)):
            below = f"{kind}.{index}" if isinstance(parameter, Choice) else kind
            _check_value(known[name], value, place.at(f"space.{name}.{below}"))


def _tried(parameter: Parameter) -> tuple[object, ...]:
    if isinstance(parameter, Float):  # a float, even where the bounds are whole numbers
        return tuple(float(value) for value in parameter.grid())
    return tuple(parameter.grid(_CHECKED_INTEGERS))


def _check_value(field: ConfigField, value: object, where: Node) -> None:
    if field.accepts(value):
        return
    near = nearest(value, field.options()) if isinstance(value, str) else ""
    raise where.error(
        f"must fit Config.{field.name}: {field.type_text()}",
        given=given(value),
        remedy=f"nearest valid name: {near}" if near else "",
    )


def _check_deep(spec: StudySpec, place: Node) -> None:
    try:
        config_type = import_trainable(spec.trainable).config_type
    except TrainableError as error:
        where = place.at("trainable")
        raise where.error(error.must, given=error.given, remedy=error.remedy) from error
    if config_type is None:
        return
    needed = {
        field.name
        for field in fields(config_type)
        if field.init and field.default is MISSING and field.default_factory is MISSING
    }
    firsts = {name: p.grid()[0] for name, p in spec.space.items() if name in needed}
    base = {**firsts, **spec.fixed}
    _build(config_type, base, place.at("fixed"))
    for name, parameter in spec.space.items():
        ends = parameter.grid() if isinstance(parameter, Choice) else parameter.grid(2)
        for value in ends:
            _build(config_type, {**base, name: value}, place.at(f"space.{name}"))


def _build(config_type: type[Any], values: Mapping[str, Any], where: Node) -> None:
    try:
        config_type(**values)
    except (TypeError, ValueError) as error:
        shown = ", ".join(f"{name}={value!r}" for name, value in values.items())
        must = f"Config must accept what the study gives it ({error})"
        raise where.error(must, given=shown or "its defaults") from error
