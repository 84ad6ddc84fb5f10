"""Which parameters are active, against the least fixed point over every combination of choices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.errors import SpecError
from joulefront.spec import (
    Budget,
    Choice,
    Float,
    Int,
    Objective,
    Parameter,
    StudySpec,
    active,
    active_only,
    is_conditional,
    parents_first,
)
from joulefront.spec.conditions import check_conditions, requirements

Space = dict[str, Parameter]
OPTIONS = (0, "a", None)
NAMES = "pqrs"
SPACE: Space = {
    "leaf": Float(0.0, 1.0, when={"branch": 1}),
    "branch": Choice((1, 2), when={"root": ["a", "b"]}),
    "free": Int(1, 9),
    "root": Choice(("a", "b", "c")),
}


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Four choices whose conditions may be anything: cycles and contradictions too."""
    options = st.lists(st.sampled_from(OPTIONS), min_size=1, max_size=2, unique=True)
    when = st.dictionaries(st.sampled_from(NAMES), options, max_size=2)
    return {name: Choice(OPTIONS, when=draw(when) or None) for name in NAMES}


def slow_active(space: Mapping[str, Parameter], params: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    for _ in space:
        for name, parameter in space.items():
            conditions = (parameter.when or {}).items()
            if all(parent in found and params[parent] in taken for parent, taken in conditions):
                found.add(name)
    return found


def combinations() -> Iterator[dict[str, Any]]:
    return (dict(zip(NAMES, values, strict=True)) for values in product(OPTIONS, repeat=4))


@settings(max_examples=60)
@given(spaces())
def test_agrees_with_every_combination(space: Space) -> None:
    found = [(params, slow_active(space, params)) for params in combinations()]
    if set.union(*(names for _, names in found)) != set(space):
        with pytest.raises(SpecError, match=r"^StudySpec: space\.[pqrs]\.when: must "):
            check_conditions(space, {})
        return
    check_conditions(space, {})
    order = parents_first(space)
    assert sorted(order) == sorted(space)
    assert all(order.index(p) < order.index(n) for n in space for p in space[n].when or ())
    needed = {name: requirements(space, name) for name in space}
    for params, names in found:
        assert active(space, params) == tuple(name for name in space if name in names)
        assert active(space, active_only(space, params)) == active(space, params)
        for name, choices in needed.items():
            met = all(params[parent] in options for parent, options in choices.items())
            assert (name in names) == met


def test_what_is_absent_meets_no_condition() -> None:
    assert is_conditional(SPACE) and not is_conditional({"free": SPACE["free"]})
    assert parents_first(SPACE) == ("root", "branch", "leaf", "free")
    assert active(SPACE, {}) == ("free", "root")
    assert active(SPACE, {"root": "b"}) == ("branch", "free", "root")
    assert active(SPACE, {"root": "b", "branch": 1}) == tuple(SPACE)
    assert active(SPACE, {"root": "c", "branch": 1}) == ("free", "root")


def test_nothing_is_filled_in() -> None:
    point = {"root": "c", "branch": 1, "leaf": 0.5}
    assert active_only(SPACE, point) == {"root": "c"}
    assert active_only(SPACE, point | {"root": "a"}) == {"leaf": 0.5, "branch": 1, "root": "a"}


def test_requirements() -> None:
    assert requirements(SPACE, "leaf") == {"root": ("a", "b"), "branch": (1,)}
    assert list(requirements(SPACE, "leaf")) == ["root", "branch"]
    assert requirements(SPACE, "root") == {}


def test_round_trip_through_a_study() -> None:
    spec = study(SPACE)
    assert spec.to_dict()["space"]["branch"]["when"] == {"root": ["a", "b"]}
    assert StudySpec.from_dict(spec.to_dict()) == spec
    assert hash(SPACE["leaf"]) == hash(Float(0.0, 1.0))


def test_a_contradiction_says_what_its_parent_needs() -> None:
    space = SPACE | {"never": Int(1, 2, when={"root": "c", "branch": [1, 2]})}
    with pytest.raises(SpecError) as caught:
        study(space)
    assert str(caught.value) == (
        "StudySpec: space.never.when: must be a condition that can be true: it asks two things of"
        " root; given: root: 'c', branch: 1 or 2; branch is there when root: 'a' or 'b'"
    )


@pytest.mark.parametrize(
    ("when", "words"),
    [
        ({"free": 3}, "when.free: must be a choice of the space; given: a range"),
        ({"width": 3}, "when.width: must be a choice of the space; given: width, which is fixed"),
        ({"rot": "a"}, "when.rot: must be a choice of the space; given: rot; nearest .*: root"),
        ({"root": "d"}, "when.root: must be an option of root; given: 'd'; options: 'a', 'b', 'c'"),
        ({"branch": 1.0}, "when.branch: must be an option of branch; given: 1.0"),
    ],
)
def test_refused(when: dict[str, Any], words: str) -> None:
    with pytest.raises(SpecError, match=words):
        study(SPACE | {"new": Int(1, 2, when=when)})


def test_a_cycle_names_its_members() -> None:
    space = SPACE | {"root": Choice(("a", "b", "c"), when={"branch": 2})}
    with pytest.raises(SpecError, match="on itself; given: branch on root on branch"):
        study(space)


def test_a_long_chain() -> None:
    chain: Space = {f"x{i}": Choice((0, 1), when={f"x{i + 1}": 1}) for i in range(1500)}
    chain["x1500"] = Choice((0, 1))
    assert parents_first(chain)[0] == "x1500"
    assert active(chain, dict.fromkeys(chain, 1)) == tuple(chain)


def study(space: Space) -> StudySpec:
    return StudySpec(
        name="toy",
        trainable="toy:train",
        space=space,
        fixed={"width": 3},
        objectives=(Objective("loss", "minimise"),),
        budget=Budget(trials=1),
    )
