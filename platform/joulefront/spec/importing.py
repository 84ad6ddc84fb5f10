"""The trainable imported, in the process that is to run it: the checks before do not import it."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from joulefront.errors import TrainableError
from joulefront.spec.config_fields import check_parameter_count


@dataclass(frozen=True, slots=True)
class Trainable:
    """An imported trainable."""

    train: Callable[..., Any]
    config_type: type[Any] | None  # None for a plain Ray Train loop
    module: ModuleType  # the one the study names, which may offer describe_data and baselines


def import_trainable(reference: str) -> Trainable:
    """Import a trainable, in the process that is to run it.

    The current folder joins the end of `sys.path`. A .py file is imported once a process, under a
    name made from its path, and stands alone: its folder does not join.

    Raises:
        TrainableError: It cannot be imported or is not a trainable. An error that the module's own
            code raises keeps its type and traceback.
    """
    name, _, function = reference.rpartition(":")
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        module = _import_file(Path(name)) if name.endswith(".py") else import_module(name)
        train = getattr(module, function, None)
        if isinstance(train, ModuleType):  # a submodule of the same name hides a lazy attribute
            train = getattr(train, function, None)
    except (ImportError, SyntaxError) as error:
        given = f"{type(error).__name__}: {error}"
        raise TrainableError(f"{name} must be importable", given=given) from error
    if not callable(train):
        raise TrainableError(f"{name} must define the function {function}", given="no such name")
    count = sum(
        p.default is p.empty and p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}
        for p in inspect.signature(train).parameters.values()
    )
    check_parameter_count(reference, count)
    if count == 1:
        return Trainable(train, None, module)
    defined_in = sys.modules.get(getattr(train, "__module__", None) or "")
    config = getattr(module, "Config", None) or getattr(defined_in, "Config", None)
    if isinstance(config, type) and is_dataclass(config):
        return Trainable(train, config, module)
    raise TrainableError(f"{name} must have a dataclass Config beside {function}", given="none")


def _import_file(path: Path) -> ModuleType:
    resolved = path.resolve()
    digest = hashlib.sha256(str(resolved).encode()).hexdigest()[:12]
    name = f"joulefront_trainable_{digest}_{path.stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, resolved)
    if spec is None or spec.loader is None or not resolved.is_file():
        must = "the trainable's file must exist"
        raise TrainableError(must, given=str(path), remedy=f"it is looked for in {Path.cwd()}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
