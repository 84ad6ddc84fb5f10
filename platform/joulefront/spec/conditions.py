"""Which parameters a configuration has: those whose conditions (`when`) its choices meet.

A condition names choices of the same space, its parents, and the options of each that it takes; all
must hold, and a parent that is not active itself meets none. Pure functions; nothing is filled in
for a parameter that is not active: the trainable's own default stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from joulefront.spec.checked import FieldError
from joulefront.spec.document import describe
from joulefront.spec.nearest import nearest, remedy
from joulefront.spec.space import Choice, Parameter

Space = Mapping[str, Parameter]


def is_conditional(space: Space) -> bool:
    """Return whether any parameter has a condition."""
    return any(parameter.when for parameter in space.values())


def parents_first(space: Space) -> tuple[str, ...]:
    """Return all names, each after the parents of its condition, else in the space's order."""
    ordered: dict[str, None] = {}
    for name in space:
        path = [name]
        while path:
            missing = [parent for parent in space[path[-1]].when or () if parent not in ordered]
            if missing:
                path.append(missing[0])
            else:
                ordered[path.pop()] = None
    return tuple(ordered)


def active(space: Space, params: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the parameters that are active, in the space's order.

    Args:
        space: The search space.
        params: A value of each choice that is a parent. One that is absent meets no condition;
            one of a parent that is not active is not looked at.
    """
    if not is_conditional(space):
        return tuple(space)
    chosen: set[str] = set()
    for name in parents_first(space):
        condition = space[name].when or {}
        if all(
            parent in chosen and parent in params and params[parent] in options
            for parent, options in condition.items()
        ):
            chosen.add(name)
    return tuple(name for name in space if name in chosen)


def active_only(space: Space, params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what `params` says of active parameters, in the space's order; the rest is dropped."""
    return {name: params[name] for name in active(space, params) if name in params}


def requirements(space: Space, name: str) -> dict[str, tuple[Any, ...]]:
    """Return every choice that must be made for a parameter to be active, and the options for it.

    Args:
        space: The search space, without cycles.
        name: The parameter.

    Returns:
        Options by name, parents before those that depend on them. Empty options: never active.
    """
    needed: dict[str, tuple[Any, ...]] = {}
    for later in reversed(parents_first(space)):
        if later == name or later in needed:
            for parent, options in (space[later].when or {}).items():
                before = needed.get(parent, options)
                needed[parent] = tuple(option for option in before if option in options)
    return {parent: needed[parent] for parent in parents_first(space) if parent in needed}


def shown(condition: Mapping[str, tuple[Any, ...]] | None) -> str:
    """Return a condition as errors show it: "attention: 'cluster' or 'balanced', depth: 2"."""
    items = (condition or {}).items()
    return ", ".join(f"{key}: {' or '.join(map(describe, options))}" for key, options in items)


def check_conditions(space: Space, fixed: Mapping[str, Any]) -> None:
    """Refuse conditions that can never be true.

    Raises:
        FieldError: At "space.NAME.when" or below: a parent is no choice of the space, has not the
            option, depends on the parameter itself, or can never have the option while active.
    """
    for name, parameter in space.items():
        for parent, options in (parameter.when or {}).items():
            _check_parent(space, fixed, name, parent, options)
    _check_no_cycle(space)
    for name in filter(lambda name: space[name].when, space):
        for parent, options in requirements(space, name).items():
            if not options:
                condition = space[name].when or {}
                must = f"must be a condition that can be true: it asks two things of {parent}"
                inner = {key: space[key].when for key in condition if space[key].when}
                help_ = ", ".join(
                    f"{key} is there when {shown(each)}" for key, each in inner.items()
                )
                raise _error(f"{name}.when", must, shown(condition), help_)


def _check_parent(
    space: Space, fixed: Mapping[str, Any], name: str, parent: str, options: tuple[Any, ...]
) -> None:
    place, choice = f"{name}.when.{parent}", space.get(parent)
    if not isinstance(choice, Choice):
        must, given = "must be a choice of the space", "a range" if choice else parent
        choices = [key for key, value in space.items() if isinstance(value, Choice)]
        help_ = remedy(parent, set(choices) - {name})
        if parent in fixed:
            given, help_ = f"{parent}, which is fixed", f"take the condition out, or {name}"
        raise _error(place, must, given, help_)
    for option in options:
        if not choice.contains(option):
            texts = [text for text in choice.options if isinstance(text, str)]
            near = nearest(option, texts) if isinstance(option, str) else ""
            listed = f"options: {', '.join(map(describe, choice.options))}"
            remedy_ = f"nearest valid name: {near}" if near else listed
            must = f"must be an option of {parent}"
            raise _error(place, must, describe(option), remedy_)


def _check_no_cycle(space: Space) -> None:
    waiting = {name: set(parameter.when or ()) for name, parameter in space.items()}
    while ready := [name for name, parents in waiting.items() if not parents & waiting.keys()]:
        for name in ready:
            del waiting[name]
    if not waiting:
        return
    path = [next(iter(waiting))]
    while path[-1] not in path[:-1]:
        path.append(min(waiting[path[-1]] & waiting.keys()))
    cycle = path[path.index(path[-1]) :]
    must, given = "must not depend on itself", " on ".join(cycle)
    raise _error(f"{cycle[0]}.when", must, given, "take out one of these conditions")


def _error(place: str, must: str, given: str, remedy: str = "") -> FieldError:
    return FieldError("StudySpec", f"space.{place}", must, given=given, remedy=remedy)
