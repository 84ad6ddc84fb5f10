"""Ranges and choices: what they contain, their grids, and what they refuse."""

from __future__ import annotations

import math
import pickle

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from joulefront.errors import SpecError
from joulefront.spec import Budget, Choice, Float, Int, Objective, Parameter, StudySpec

FINITE = st.floats(-1e6, 1e6)
INTEGERS = st.integers(-1000, 1000)


@st.composite
def parameters(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from(["float", "int", "steps", "choice"]))
    log = draw(st.booleans())
    if kind == "float":
        bounds = st.floats(1e-9, 1e6) if log else FINITE
        low, high = sorted(draw(st.tuples(bounds, bounds)))
        return Float(low, high, log=log)
    if kind == "int":
        bounds = st.integers(1, 10**9) if log else INTEGERS
        low, high = sorted(draw(st.tuples(bounds, bounds)))
        return Int(low, high, log=log)
    if kind == "steps":
        low, step = draw(INTEGERS), draw(st.integers(1, 50))
        high = low + step * draw(st.integers(0, 40))
        return Int(low, high, step=step) if log else Float(low / 10, high / 10, step=step / 10)
    options = st.text(max_size=3) | st.integers(2, 9) | st.none()
    return Choice(tuple(draw(st.lists(options, min_size=1, max_size=5, unique=True))))


@given(parameters(), st.integers(1, 12))
def test_grid_lies_inside_ascends_and_has_both_ends(parameter: Parameter, resolution: int) -> None:
    values = parameter.grid(resolution)
    assert all(parameter.contains(value) for value in values)
    if isinstance(parameter, Float) and parameter.step is None:  # room for so many floats
        assume(parameter.high - parameter.low > 1e-9 * max(abs(parameter.high), 1.0))
    assert len(set(values)) == len(values)
    if isinstance(parameter, Choice):
        assert values == parameter.options
        return
    assert list(values) == sorted(values)
    assert values[0] == parameter.low
    if parameter.step is not None:
        steps = round((parameter.high - parameter.low) / parameter.step)
        assert len(values) == steps + 1
        assert math.isclose(values[-1], parameter.high, abs_tol=1e-9)
    elif resolution > 1:
        assert len(values) <= resolution and values[-1] == parameter.high


@given(parameters())
def test_round_trips(parameter: Parameter) -> None:
    spec = StudySpec(
        name="toy",
        trainable="toy:train",
        space={"x": parameter},
        objectives=(Objective("loss", "minimise"),),
        budget=Budget(trials=1),
    )
    assert StudySpec.from_dict(spec.to_dict()) == spec
    assert pickle.loads(pickle.dumps(parameter)) == parameter


def test_grids() -> None:
    assert Float(0.0, 1.0).grid() == (0.0, 0.25, 0.5, 0.75, 1.0)
    assert Float(1e-4, 1.0, log=True).grid(3) == pytest.approx((1e-4, 1e-2, 1.0))
    assert Float(0.0, 0.3, step=0.1).grid() == pytest.approx((0.0, 0.1, 0.2, 0.3))
    assert Int(1, 32, log=True).grid(6) == (1, 2, 4, 8, 16, 32)
    assert Int(1, 3).grid() == (1, 2, 3)
    assert Int(1, 10).grid(4) == (1, 4, 7, 10)
    assert Int(1, 10, step=1).grid() == tuple(range(1, 11))
    assert Float(2.0, 2.0).grid() == (2.0,)
    with pytest.raises(ValueError, match="at least 1"):
        Float(0.0, 1.0).grid(0)


def test_contains_knows_types() -> None:
    assert Float(0.0, 1.0).contains(1) and not Float(0.0, 1.0).contains(True)
    assert not Float(0.0, 1.0).contains(math.nan) and not Float(0.0, 1.0).contains("0.5")
    assert Float(0.0, 1.0, step=0.1).contains(0.3) and not Float(0.0, 1.0, step=0.1).contains(0.35)
    assert not Int(0, 4).contains(1.0) and not Int(0, 4).contains(True)
    assert Int(0, 4, step=2).contains(2) and not Int(0, 4, step=2).contains(3)
    assert Choice((1, "a")).contains(1) and not Choice((1, "a")).contains(1.0)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Float(1.0, 0.0), "Float: low: low must not be above high"),
        (lambda: Float(0.0, math.inf), "Float: high: must be finite"),
        (lambda: Float(0.0, 1.0, log=True), "above 0 where log is true"),
        (lambda: Float(0.1, 1.0, log=True, step=0.1), "absent where log is true"),
        (lambda: Int(1.5, 2), "Int: low: must be an integer"),  # type: ignore[arg-type]
        (lambda: Int(1, 4, step=2), "whole number of steps"),
        (lambda: Choice(()), "at least one option"),
        (lambda: Choice((1, 1.0)), "options must differ"),
        (lambda: Choice((math.nan,)), "finite"),
    ],
)
def test_refused_from_python_too(make: object, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        make()  # type: ignore[operator]


def test_integers_become_floats() -> None:
    assert type(Float(0, 1).high) is float
    assert Choice([1, 2]) == Choice((1, 2))  # type: ignore[arg-type]
