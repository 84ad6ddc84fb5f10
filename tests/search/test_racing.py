from __future__ import annotations

import numpy as np

from joulefront.front import Estimates
from joulefront.search.racing import next_replicate


def of_spread(*spread: float) -> Estimates:
    column = np.array(spread)[:, None]
    return Estimates(
        mean=column,
        standard_error=column,
        low=column,
        high=column,
        count=np.ones(len(spread), dtype=np.int64),
        centre=column,
        spread=column,
    )


def test_what_is_likelier_reported_comes_first() -> None:
    chosen = next_replicate(
        of_spread(1, 1, 1), np.array([0.2, 0.9, 0.5]), np.array([1, 1, 1]), most=5
    )
    assert chosen == 1


def test_what_was_checked_gives_way() -> None:
    chosen = next_replicate(
        of_spread(1, 1, 1), np.array([0.2, 0.9, 0.5]), np.array([1, 2, 1]), most=5
    )
    assert chosen == 2


def test_running_replicates_count() -> None:
    probability = np.array([1.0, 1.0])
    assert next_replicate(of_spread(1, 1), probability, np.array([2, 1]), most=2) == 1
    assert next_replicate(of_spread(1, 1), probability, np.array([2, 2]), most=2) is None


def test_it_begins_while_no_error_is_known() -> None:
    nan = float("nan")
    assert next_replicate(of_spread(nan, nan), np.array([0.0, 1.0]), np.array([1, 1]), most=2) == 1


def test_nothing_is_raced_without_candidates_or_noise() -> None:
    assert next_replicate(of_spread(1, 1), np.zeros(2), np.array([1, 1]), most=5) is None
    assert next_replicate(of_spread(0, 0), np.ones(2), np.array([2, 1]), most=5) is None
    assert next_replicate(of_spread(), np.empty(0), np.empty(0, dtype=np.int64), most=5) is None
