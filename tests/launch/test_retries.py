from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from joulefront.launch.retries import AttemptEnergy, fold_attempts


def attempt(number, cpu, epochs=(), resumed_from=None):
    by_epoch = {epoch: {"cpu": joules} for epoch, joules in epochs}
    return AttemptEnergy(
        attempt=number, total={"cpu": cpu}, by_epoch=by_epoch, resumed_from=resumed_from
    )


def test_one_attempt_is_charged_whole():
    energy = fold_attempts([AttemptEnergy(attempt=1, total={"cpu": 3.0, "gpu": 4.0, "ram": 9.0})])
    assert energy.joules == 7.0 and energy.retried == 0.0
    assert energy.charged["ram"] == 9.0


def test_a_fresh_retry_charges_the_lost_attempt_to_the_bill_only():
    energy = fold_attempts([attempt(1, 5.0), attempt(2, 8.0)])
    assert energy.joules == 8.0 and energy.retried == 5.0


def test_a_resumed_retry_carries_what_it_went_on_from():
    first = attempt(1, 5.0, [(1, 2.0), (2, 4.0)])
    energy = fold_attempts([first, attempt(2, 6.0, resumed_from=(1, 2))])
    assert energy.joules == 10.0 and energy.retried == pytest.approx(1.0)


def test_a_chain_of_resumed_attempts_carries_each_part_once():
    attempts = [
        attempt(1, 5.0, [(1, 2.0), (2, 4.0)]),
        attempt(2, 7.0, [(3, 3.0), (4, 6.0)], resumed_from=(1, 2)),
        attempt(3, 1.0, resumed_from=(2, 3)),
    ]
    energy = fold_attempts(attempts)
    assert energy.joules == 1.0 + 3.0 + 4.0
    assert energy.retried == pytest.approx(13.0 - 8.0)


def test_a_checkpoint_without_its_report_carries_all_that_is_known():
    first = attempt(1, 4.0, [(1, 2.0), (2, 4.0)])
    energy = fold_attempts([first, attempt(2, 6.0, resumed_from=(1, 3))])
    assert energy.joules == 10.0 and energy.retried == 0.0


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=6))
def test_nothing_spent_is_lost_or_counted_twice(spent):
    attempts = [attempt(number, joules) for number, joules in enumerate(spent, start=1)]
    energy = fold_attempts(attempts)
    assert energy.joules + energy.retried == pytest.approx(sum(spent))
