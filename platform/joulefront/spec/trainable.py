"""Does a study fit its trainable: checked by the trainable's syntax tree, or deep by importing it.

Two parameters without defaults make a joulefront trainable, `train(config, trial)`, and it needs a
dataclass `Config` in the module that the study names or in the one that defines the function. One
makes a plain Ray Train loop, `loop(config)`, which has no Config: its keys are not checked, and it
needs a worker group. A function whose definition cannot be followed (lazy, or made by a call) is
taken for a joulefront trainable.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from joulefront.errors import TrainableError
from joulefront.spec.annotation import fits, nearest_option
from joulefront.spec.conditions import active_only, requirements
from joulefront.spec.config_fields import ConfigField, find_config_fields
from joulefront.spec.document import Node, describe, from_plain
from joulefront.spec.importing import import_trainable
from joulefront.spec.nearest import remedy
from joulefront.spec.space import Choice, Parameter
from joulefront.spec.study import StudySpec

_MANY_STEPS = 100


def check_trainable(spec: StudySpec, document: Node | None = None, *, deep: bool = False) -> None:
    """Check that the trainable exists and that space and fixed values fit its Config.

    Args:
        spec: The study.
        document: The tree it was read from, for file and lines in errors.
        deep: Import the trainable too, and build its Config with each value of the space's grids
            and each enqueued point; where that leaves a parameter inactive, without it.

    Raises:
        SpecError: One of these does not hold, or a plain loop has no worker group.
    """
    document = document or from_plain(spec.to_dict(), file="study")
    try:
        known = find_config_fields(spec.trainable)
        config_type = import_trainable(spec.trainable).config_type if deep else None
    except TrainableError as error:
        place = document.at("trainable")
        raise place.error(error.must, given=error.given, remedy=error.remedy) from None
    if known is None:
        if spec.per_trial.workers < 1:
            place = document.at("per_trial.workers")
            must = "must be at least 1 for a plain Ray Train loop (a function of one parameter)"
            raise place.error(must, given=str(spec.per_trial.workers))
        return
    _check_names(spec, document, known)
    for name, value, place in _values(spec, document):
        annotation = known[name].annotation
        if not fits(annotation, value):
            raise place.error(
                f"must fit Config.{name}: {ast.unparse(annotation)}",
                given=describe(value),
                remedy=nearest_option(annotation, value),
            )
    if config_type is not None:
        _build_configs(config_type, spec, document)


def _check_names(spec: StudySpec, document: Node, known: Mapping[str, ConfigField]) -> None:
    for section in ("space", "fixed"):
        for name in getattr(spec, section):
            if name not in known:
                place = document.at(f"{section}.{name}")
                must = f"must be a field of the Config of {spec.trainable}"
                raise place.error(must, given=name, remedy=remedy(name, known))
    for name, field in known.items():
        if field.required and name not in spec.space and name not in spec.fixed:
            place = document.at(f"fixed.{name}")
            must = f"must be given in space or fixed: Config.{name} has no default"
            raise place.error(must, given="nothing")
        if field.required and name in spec.space and spec.space[name].when:
            place = document.at(f"space.{name}.when")
            must = f"must be absent: Config.{name} has no default to stand where it does not hold"
            raise place.error(must)


def _values(spec: StudySpec, document: Node) -> Iterator[tuple[str, object, Node]]:
    """Yield each fixed value, and each value of each parameter's grid, with its place."""
    for name, value in spec.fixed.items():
        yield name, value, document.at(f"fixed.{name}")
    for name, parameter in spec.space.items():
        kind = type(parameter).__name__.lower()
        for index, value in enumerate(_some_values(parameter)):
            below = f"{kind}.{index}" if isinstance(parameter, Choice) else kind
            yield name, value, document.at(f"space.{name}.{below}")


def _some_values(parameter: Parameter) -> Sequence[Any]:
    """Return a parameter's grid, or the ends only of a range of many steps."""
    if isinstance(parameter, Choice) or parameter.step is None:
        return parameter.grid()
    steps = (parameter.high - parameter.low) / parameter.step
    return parameter.grid() if steps < _MANY_STEPS else (parameter.low, parameter.high)


def _build_configs(config_type: type[Any], spec: StudySpec, document: Node) -> None:
    corner = {name: _some_values(parameter)[0] for name, parameter in spec.space.items()}
    points: list[tuple[dict[str, Any], Node]] = []
    for name, value, place in _values(spec, document):
        needed = requirements(spec.space, name) if name in spec.space else {}
        chosen = {parent: options[0] for parent, options in needed.items()}
        points.append((chosen | {name: value}, place))
    for index, point in enumerate(spec.search.enqueue):
        points.append((dict(point), document.at(f"search.enqueue.{index}")))
    for chosen, place in points:
        params = dict(spec.fixed) | active_only(spec.space, corner | chosen)
        try:
            config_type(**params)
        except (TypeError, ValueError) as error:
            named = [word for word in re.findall(r"\w+", str(error)) if word in params]
            if named and named[0] not in chosen:  # what the Config complains of is another value
                section = "fixed" if named[0] in spec.fixed else "space"
                place = document.at(f"{section}.{named[0]}")
            blamed = dict.fromkeys([*named[:1], *chosen])
            given = ", ".join(f"{name}={params[name]!r}" for name in blamed)
            must = f"Config must accept what the study gives it ({error})"
            raise place.error(must, given=given) from error
