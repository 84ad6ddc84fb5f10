from __future__ import annotations

import numpy as np
import pytest

from joulefront.bench.search.faults import impatient, rule_replaced
from joulefront.spec import Stopping
from joulefront.stopping import RULES, Curve, should_stop


def test_a_rule_is_replaced_for_a_while_only() -> None:
    before = dict(RULES)
    with pytest.raises(ZeroDivisionError), rule_replaced("dominated", "impatient"):
        assert RULES["dominated"].endswith("faults:impatient")
        raise ZeroDivisionError
    assert before == RULES


def test_the_impatient_one_stops_what_starts_badly() -> None:
    finished = np.array([[0.1, 5.0], [0.2, 4.0], [0.3, 3.0]])
    for start, stops in ((0.9, True), (0.15, False)):
        curve = Curve(
            trial_id="t",
            epochs=np.array([1]),
            objectives=np.array([[start, 1.0]]),
            final_epoch=9,
            state="running",
        )
        assert impatient(curve, [], finished, Stopping(rule="dominated")) is stops
        with rule_replaced("dominated", "impatient"):
            assert should_stop(curve, [], finished, Stopping(rule="dominated")) is stops
