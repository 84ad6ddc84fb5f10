from __future__ import annotations

from math import nan

import pytest

from joulefront.search.warm_start import PastConfiguration, warm_observations
from joulefront.spec import StudySpec


def spec(**changes):
    written = {
        "name": "here",
        "trainable": "package.module:train",
        "fixed": {"epochs": 8},
        "space": {
            "layers": {"int": [1, 4]},
            "attention": {"choice": ["dense", "cluster"]},
            "clusters": {"int": [2, 8], "when": {"attention": "cluster"}},
        },
        "objectives": [
            {"metric": "accuracy", "direction": "maximise"},
            {"metric": "energy_joules", "direction": "minimise"},
        ],
        "constraints": ["sensitivity >= 0.5"],
        "budget": {"trials": 9},
    }
    return StudySpec.from_dict(written | changes)


def past(params=None, fixed=None, study="old", **values):
    return PastConfiguration(
        study=study,
        config_id="c0000",
        params={"layers": 2, "attention": "dense"} if params is None else params,
        fixed={"epochs": 8} if fixed is None else fixed,
        values={"accuracy": 0.8, "energy_joules": 50.0, "sensitivity": 0.7} | values,
    )


def test_what_fits_is_taken_in_order_with_negative_indices():
    cluster = {"layers": 3, "attention": "cluster", "clusters": 4}
    warm = warm_observations(spec(), [past(), past(cluster, study="other", sensitivity=0.2)])
    first, second = warm.observations
    assert (first.index, second.index) == (-2, -1)
    assert first.params == {"layers": 2, "attention": "dense"}
    assert second.params == cluster
    assert first.values == (-0.8, 50.0)
    assert first.joules == 50.0
    assert first.constraints[0] <= 0 < second.constraints[0]
    assert warm.taken == {"old": 1, "other": 1}
    assert warm.refused == {"old": {}, "other": {}}


def test_a_value_fixed_there_counts_and_an_inactive_one_is_dropped():
    warm = warm_observations(
        spec(), [past({"layers": 2}, {"epochs": 8, "attention": "dense", "clusters": 3})]
    )
    assert warm.observations[0].params == {"layers": 2, "attention": "dense"}


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (past({"attention": "dense"}), "layers has no value there"),
        (past({"layers": 9, "attention": "dense"}), "layers lies outside the space here"),
        (past({"layers": 2, "attention": "linear"}), "attention lies outside the space here"),
        (past({"layers": 2, "attention": "cluster"}), "clusters has no value there"),
        (past(fixed={"epochs": 9}), "epochs is fixed at another value here"),
        (past(fixed={"epochs": 8, "width": 3}), "width is not set here"),
        (past(fixed={}), "epochs is not set there"),
        (past(accuracy=nan), "accuracy was not measured there"),
    ],
)
def test_what_does_not_fit_is_counted_by_its_reason(one, reason):
    warm = warm_observations(spec(), [one, one])
    assert warm.observations == ()
    assert warm.taken == {"old": 0}
    assert warm.refused == {"old": {reason: 2}}


def test_nothing():
    warm = warm_observations(spec(), [])
    assert (warm.observations, warm.taken, warm.refused) == ((), {}, {})
