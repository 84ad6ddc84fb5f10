from __future__ import annotations

import numpy as np
import pytest

from joulefront.front import KNEES

DISAGREEING = np.array([[0, 1], [0.02, 0.62], [0.32, 0.31], [0.33, 0.3], [0.6, 0.02], [1, 0]])


def test_rules_disagree() -> None:
    picks = {name: rule(DISAGREEING) for name, rule in KNEES.items()}
    assert picks == {"chord": 4, "contribution": 1, "utopia": 2}


def test_the_chord_is_the_farthest_from_the_line_through_the_ends() -> None:
    rng = np.random.default_rng(0)
    first = np.sort(np.r_[0.0, rng.random(20), 1.0])
    front = np.stack([first, (1 - first**0.6)], axis=1)
    distances = (1 - front.sum(axis=1)) / np.sqrt(2)
    assert KNEES["chord"](front) == distances.argmax()


@pytest.mark.parametrize("name", KNEES)
def test_units_do_not_matter(name: str) -> None:
    scaled = DISAGREEING * [1e6, 1e-3] + [5.0, -7.0]
    assert KNEES[name](scaled) == KNEES[name](DISAGREEING)


@pytest.mark.parametrize("name", KNEES)
@pytest.mark.parametrize("front", [np.array([[3.0, 4.0]]), np.ones((3, 2))])
def test_a_front_of_one_point_is_its_own_knee(name: str, front) -> None:
    assert KNEES[name](front) == 0


@pytest.mark.parametrize("name", KNEES)
@pytest.mark.parametrize("front", [np.empty((0, 2)), np.array([[np.nan, 1.0]])])
def test_no_front_has_no_knee(name: str, front) -> None:
    with pytest.raises(ValueError, match="at least one member"):
        KNEES[name](front)
