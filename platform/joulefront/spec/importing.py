"""The trainable imported, in the process that is to run it: the checks before do not import it."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from joulefront.errors import TrainableError
from joulefront.spec.nearest import remedy
from joulefront.spec.syntax import check_parameter_count, search_path, split_reference


@dataclass(frozen=True, slots=True)
class Trainable:
    """An imported trainable.

    Attributes:
        train: The function.
        config_type: Its Config, or None for a plain Ray Train loop.
        module: The module that the study names, in which `describe_data` and `baselines` may be.
    """

    train: Callable[..., Any]
    config_type: type[Any] | None
    module: ModuleType


def import_trainable(reference: str) -> Trainable:
    """Import a trainable, in the process that is to run it.

    A module that only the current folder has is imported from there. A .py file is imported once a
    process under a name made from its path, and stands alone: its folder does not join `sys.path`.

    Raises:
        TrainableError: It cannot be imported or is not a trainable. An error that the module's own
            code raises keeps its type and traceback.
    """
    module_name, function = split_reference(reference)
    is_file = module_name.endswith(".py")
    try:
        module = _import_file(Path(module_name)) if is_file else _import_module(module_name)
        train = getattr(module, function, None)
        if isinstance(train, ModuleType):  # a submodule of the same name hides a lazy attribute
            train = getattr(train, function, None)
    except (ImportError, SyntaxError) as error:
        must = f"{module_name} must be importable"
        raise TrainableError(must, given=f"{type(error).__name__}: {error}") from error
    if not callable(train):
        names = [name for name, value in vars(module).items() if inspect.isfunction(value)]
        must = f"{module_name} must define the function {function}"
        raise TrainableError(must, given="no such function", remedy=remedy(function, names))
    count = sum(
        p.default is p.empty and p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}
        for p in inspect.signature(train).parameters.values()
    )
    check_parameter_count(reference, count)
    if count == 1:
        return Trainable(train, None, module)
    defined_in = sys.modules.get(getattr(train, "__module__", None) or "")
    config = getattr(module, "Config", None) or getattr(defined_in, "Config", None)
    if not (isinstance(config, type) and is_dataclass(config)):
        must = f"{module_name} must have a dataclass Config beside {function}"
        raise TrainableError(must, given="none" if config is None else repr(config))
    return Trainable(train, config, module)


def _import_module(name: str) -> ModuleType:
    *_, folder = search_path()
    if name.partition(".")[0] in sys.modules or folder in sys.path:
        return importlib.import_module(name)
    sys.path.append(folder)
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(folder)


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
