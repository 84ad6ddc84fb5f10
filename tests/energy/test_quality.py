from __future__ import annotations

from dataclasses import replace

import pytest

from joulefront.energy import Observed, Policy, Reading, Window, degradations, foreign_share

SECOND = 1_000_000_000
OPENED = Reading(
    monotonic_ns=0,
    cpu_ns=0,
    gpu_millijoules={},
    memory_bytes=0,
    wait_ns=0,
    busy_ns=0,
    steal_ns=0,
)


def window(observed=None, *, gpus=(None, None), lost=False, **ends):
    """Ten seconds on one core of two that are busy, unless told otherwise."""
    known = {"monotonic_ns": 10 * SECOND, "cpu_ns": 10 * SECOND, "busy_ns": 20 * SECOND}
    closed = replace(OPENED, **(known | ends))
    opened = OPENED
    if gpus != (None, None):
        opened, closed = (
            replace(r, gpu_millijoules=g) for r, g in zip((opened, closed), gpus, strict=True)
        )
    return Window(opened=opened, closed=closed, cores=1, observed=observed or Observed(), lost=lost)


def reasons(*windows, **options):
    return degradations(windows, Policy(), **options)


def test_a_quiet_window_is_good():
    assert reasons(window()) == ()
    assert reasons() == ()


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (window(wait_ns=SECOND), "run queue 10%"),
        (window(steal_ns=SECOND), "steal 5%"),
        (window(Observed(coverage=0.8)), "coverage 80%"),
        (window(gpus=({"GPU-a": 5}, {"GPU-a": None})), "counter lost"),
        (window(gpus=({"GPU-a": 5}, {"GPU-a": 4})), "counter lost"),
        (window(gpus=({"GPU-a": 5}, {})), "counter lost"),
        (window(lost=True), "process lost"),
        (window(Observed(actors_elsewhere=1)), "actors elsewhere"),
    ],
)
def test_each_reason(found, text):
    assert reasons(found) == (text,)


def test_the_limits_themselves_are_good():
    policy = Policy(wait_share=0.1, steal_share=0.5, coverage=0.8)
    at_limit = window(Observed(coverage=0.8), wait_ns=SECOND, steal_ns=20 * SECOND)
    assert degradations([at_limit], policy) == ()


def test_oversubscription_degrades_by_itself():
    assert reasons(window(), oversubscribed=True) == ("oversubscribed",)


def test_shares_are_of_all_windows_together():
    waited = window(wait_ns=SECOND)
    assert reasons(waited, window(), window()) == ()
    assert reasons(waited, waited, window()) == ("run queue 7%",)


def test_what_is_not_told_degrades_nothing():
    silent = window(wait_ns=None, busy_ns=None, steal_ns=None)
    assert reasons(silent) == ()


def test_waiting_without_any_cpu_time_is_no_division_by_zero():
    assert reasons(window(cpu_ns=0, wait_ns=SECOND)) == ("run queue of no time",)


def test_foreign_share():
    assert foreign_share([window(Observed(foreign_cpu_ns=SECOND))]) == pytest.approx(0.1)
    assert foreign_share([]) == 0.0
