"""Known-good points of a study (`search.enqueue`), checked against its space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from joulefront.spec.checked import FieldError
from joulefront.spec.conditions import Space, active, requirements, shown
from joulefront.spec.document import describe
from joulefront.spec.nearest import remedy
from joulefront.spec.space import Float, Parameter


def check_points(
    points: Sequence[Mapping[str, Any]], space: Space, fixed: Mapping[str, Any]
) -> tuple[dict[str, Any], ...]:
    """Return the points with integers made floats where the parameter is one.

    A point may be partial: the search draws what it leaves out. But the choices that a conditional
    parameter depends on must stand beside it.

    Raises:
        FieldError: At "search.enqueue.INDEX.NAME": no such parameter, a value outside of it, or one
            of a parameter that the point does not make active.
    """
    return tuple(
        _point(f"search.enqueue.{i}", point, space, fixed) for i, point in enumerate(points)
    )


def _point(
    place: str, point: Mapping[str, Any], space: Space, fixed: Mapping[str, Any]
) -> dict[str, Any]:
    if not point:
        raise _error(place, "must give at least one parameter", "none")
    for name, value in point.items():
        if name not in space:
            must = "must be a parameter of the space"
            given, help_ = describe(name), remedy(name, space)
            if name in fixed:
                given, help_ = f"{name}, which is fixed", "take it out: it has that value anyway"
            raise _error(f"{place}.{name}", must, given, help_)
        if not space[name].contains(value):
            must = f"must lie in the space's {name}"
            raise _error(f"{place}.{name}", must, describe(value), f"it is {_range(space[name])}")
    for name in point:
        if name not in active(space, point):
            needed = requirements(space, name)
            given = ", ".join(
                f"{key}: {describe(point[key])}" if key in point else f"no {key}" for key in needed
            )
            must = f"must stand beside {shown(needed)}: {name} is not there otherwise"
            raise _error(f"{place}.{name}", must, given)
    return {
        name: float(value) if isinstance(space[name], Float) else value
        for name, value in point.items()
    }


def _range(parameter: Parameter) -> str:
    written = {key: value for key, value in parameter.to_dict().items() if key != "when"}
    return ", ".join(f"{key} {value}" for key, value in written.items())


def _error(place: str, must: str, given: str, remedy: str = "") -> FieldError:
    return FieldError("StudySpec", place, must, given=given, remedy=remedy)
