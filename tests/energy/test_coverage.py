from __future__ import annotations

import pytest

from joulefront.energy.coverage import Coverage


def sampled(*times, begun=0):
    coverage = Coverage(10, begun)
    for time in times:
        coverage.sampled(time)
    return coverage


def test_regular_samples_cover_a_window():
    assert sampled(*range(0, 100, 10)).share(5, 98) == 1.0


def test_a_gap_counts_beyond_three_periods():
    assert sampled(10, 20, 70, 80, 90, 100).share(0, 100) == pytest.approx(1 - 20 / 100)


def test_only_the_part_of_a_gap_inside_a_window_counts():
    assert sampled(10, 110, 120).share(60, 120) == pytest.approx(1 - 20 / 60)


def test_the_end_of_a_window_is_a_gap_too():
    assert sampled(10, 20).share(0, 120) == pytest.approx(1 - 70 / 120)


def test_what_was_before_the_first_sample():
    assert sampled(10, 20, begun=5).share(0, 30) == 1.0
    late = sampled(100, begun=95)
    late.missed(10, 100)
    assert late.share(0, 100) == pytest.approx(1 - 60 / 100)


def test_a_short_window_has_no_coverage():
    assert sampled(10).share(0, 29) is None
