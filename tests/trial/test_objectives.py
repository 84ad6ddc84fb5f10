from __future__ import annotations

import math

import pytest

from joulefront.errors import ObjectiveError
from joulefront.trial import objective_values


def test_values_come_in_the_studys_order():
    row = {"energy_joules": 2, "accuracy": 0.5, "note": "x"}
    assert objective_values(row, ["accuracy", "energy_joules"]) == (0.5, 2.0)


@pytest.mark.parametrize("value", [math.nan, math.inf, None, "high"])
def test_what_is_no_finite_number_is_named(value):
    with pytest.raises(ObjectiveError, match="objective accuracy must end as a finite number"):
        objective_values({"loss": 1.0, "accuracy": value}, ["accuracy"])
