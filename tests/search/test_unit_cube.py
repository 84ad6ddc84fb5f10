from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.search.unit_cube import UnitCube, ascending
from joulefront.spec.conditions import active
from joulefront.spec.space import Choice, Float, Int
from joulefront.testing.samplers import CONDITIONAL, SPACE

AXES = [
    *SPACE.values(),
    Int(0, 5),
    Int(1, 10**9, log=True),
    Int(-(10**6), 10**6),
    Float(-1.0, 1.0),
    Float(0.5, 0.5),
    Float(0.1, 0.7, step=0.1),
    Int(3, 3, log=True),
    Choice((0.003, 0.001, 0.03)),
    Choice((True, 2, 3)),
]


@settings(max_examples=60)
@given(axis=st.sampled_from(AXES), x=st.floats(0.0, 1.0, exclude_max=True))
def test_a_snapped_point_is_where_its_value_lies(axis, x):
    cube = UnitCube({"x": axis})
    snapped = cube.snap(np.array([[x]]))[0]
    params = cube.decode(snapped)
    assert axis.contains(params["x"])
    assert cube.encode(params) == pytest.approx(snapped, abs=1e-9)
    assert cube.snap(snapped[None])[0] == pytest.approx(snapped, abs=1e-12)


@settings(max_examples=60)
@given(seed=st.integers(0, 2**31))
def test_points_of_a_conditional_space_and_those_near_them(seed):
    rng = np.random.default_rng(seed)
    cube = UnitCube(CONDITIONAL)
    points = cube.mutate(cube.snap(rng.random((4, len(cube.names)))), 0.2, rng)
    for point in points:
        params = cube.decode(point)
        assert tuple(params) == active(CONDITIONAL, params)
        assert cube.encode(params) == pytest.approx(point, abs=1e-9)


def test_every_value_has_the_same_share():
    cube = UnitCube({"n": Int(1, 4), "c": Choice(("a", "b", "c", "d"))})
    drawn = [cube.decode(np.array([x, x])) for x in (np.arange(1000) + 0.5) / 1000]
    for name, values in {"n": (1, 2, 3, 4), "c": ("a", "b", "c", "d")}.items():
        assert [sum(p[name] == v for p in drawn) for v in values] == [250] * 4


def test_numbers_of_a_choice_are_ordered_and_other_options_equally_far_apart():
    assert ascending(Choice((3, 0.5, 1))) == (0.5, 1, 3)
    assert ascending(Choice((3, "a", 1))) == (3, "a", 1)
    cube = UnitCube({"k": Choice(("a", "b", "c")), "n": Choice((16, 4, 8))})
    points = cube.snap(np.array([cube.encode({"k": k, "n": 4}) for k in "abc"]))
    features = cube.features(points)
    distances = np.linalg.norm(features[:, None] - features[None], axis=-1)
    assert distances == pytest.approx(1.0 - np.eye(3))
    assert [cube.encode({"k": "a", "n": n})[1] for n in (4, 8, 16)] == pytest.approx(
        [1 / 6, 3 / 6, 5 / 6]
    )
    assert cube.parameter_of_feature.tolist() == [0, 0, 0, 1]
