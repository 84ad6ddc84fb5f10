"""Constraints as text and as violations."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.errors import SpecError
from joulefront.spec import Budget, Constraint, Float, Objective, StudySpec

CONSTRAINTS = st.builds(
    Constraint,
    st.sampled_from(["sensitivity", "peak_memory_bytes", "val/loss"]),
    st.sampled_from([">=", "<="]),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(CONSTRAINTS)
def test_text_is_read_as_it_was_written(constraint: Constraint) -> None:
    assert Constraint.parse(str(constraint)) == constraint
    assert Constraint.parse(str(constraint).replace(" ", "")) == constraint


def test_text() -> None:
    assert str(Constraint("peak_memory_bytes", "<=", 4e9)) == "peak_memory_bytes <= 4e+09"
    assert str(Constraint("a", ">=", 0.1234567890123)) == "a >= 0.1234567890123"
    assert Constraint.parse(" a>=-1e-3 ") == Constraint("a", ">=", -0.001)


@given(CONSTRAINTS, st.floats(-1e6, 1e6))
def test_violation_is_positive_where_the_condition_fails(
    constraint: Constraint, value: float
) -> None:
    bound = constraint.bound
    holds = value >= bound if constraint.operator == ">=" else value <= bound
    assert (constraint.violation(value) <= 0) == holds
    assert constraint.violation(bound) == 0


def test_violation() -> None:
    assert Constraint("a", ">=", 0.6).violation(0.5) == pytest.approx(0.1)
    assert Constraint("a", "<=", 3.0).violation(5.0) == 2.0
    assert Constraint("a", "<=", 3.0).violation(math.nan) == math.inf
    assert Constraint("a", "<=", 3.0).violation(math.inf) == math.inf
    assert Constraint("a", ">=", 3.0).violation(math.inf) == -math.inf


@pytest.mark.parametrize(
    "text",
    ["a > 1", "a == 1", "a >= ", ">= 1", "1 <= a", "a b >= 1", "a >= 1 J", "a >= b", "a >= 1 <= 2",
     "", 3, None, ["a >= 1"]],
)  # fmt: skip
def test_not_a_constraint(text: object) -> None:
    with pytest.raises(SpecError, match="must be 'metric >= number' or 'metric <= number'"):
        Constraint.parse(text)


def make(*constraints: str) -> StudySpec:
    return StudySpec(
        name="toy",
        trainable="toy:train",
        space={"x": Float(0.0, 1.0)},
        objectives=(Objective("loss", "minimise"),),
        budget=Budget(trials=1),
        constraints=tuple(map(Constraint.parse, constraints)),
    )


def test_round_trip_and_several_of_one_metric() -> None:
    spec = make("loss <= 1", "loss >= 0.5", "recall >= 0.5")
    assert spec.to_dict()["constraints"] == ["loss <= 1", "loss >= 0.5", "recall >= 0.5"]
    assert StudySpec.from_dict(spec.to_dict()) == spec
    make("loss <= 1", "loss >= 1")


@pytest.mark.parametrize(
    ("constraints", "words"),
    [
        (["a >= 1", "a >= 1"], "constraints.1: a metric must stand once with >="),
        (["b >= 1", "a <= 1", "a >= 2"], "constraints.2: must leave values that meet both"),
        (["a >= 2", "a <= 1"], "given: a >= 2 and a <= 1"),
        (["test_recall >= 0.5"], "never sees the test fold"),
        (["a >= nan"], "must be finite"),
        (["a <= inf"], "must be finite"),
    ],
)
def test_refused(constraints: list[str], words: str) -> None:
    with pytest.raises(SpecError, match=re.escape(words)):
        make(*constraints)
