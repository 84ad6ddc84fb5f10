from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from joulefront.trial import DataError
from trainables.cohorts import Cohort, Preprocessing

TRAIN = np.arange(0, 30)
TEST = np.arange(30, 40)


def test_test_rows_do_not_reach_the_fitted_values(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    images, numeric = cohort.images.copy(), cohort.numeric.copy()
    categorical = cohort.categorical.copy()
    images[TEST] = 1.0
    numeric[TEST] = 1e6
    categorical[TEST] = 0
    changed = make_cohort(images=images, numeric=numeric, categorical=categorical)
    assert Preprocessing.fit(cohort, TRAIN) == Preprocessing.fit(changed, TRAIN)
    assert Preprocessing.fit(cohort, TRAIN) != Preprocessing.fit(changed, np.arange(40))


def test_standardises_the_training_side(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    inputs = Preprocessing.fit(cohort, TRAIN).apply(cohort, TRAIN)
    shown = inputs.images[inputs.image_present]
    np.testing.assert_allclose(shown.mean(axis=(0, 2, 3)), 0.0, atol=1e-5)
    np.testing.assert_allclose(shown.std(axis=(0, 2, 3)), 1.0, atol=1e-5)
    for column in range(2):
        values = inputs.numeric[~inputs.numeric_missing[:, column], column]
        np.testing.assert_allclose([values.mean(), values.std()], [0.0, 1.0], atol=1e-5)


def test_missing_is_zero_and_marked(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    inputs = Preprocessing.fit(cohort, TRAIN).apply(cohort, TEST)
    np.testing.assert_array_equal(inputs.numeric_missing, np.isnan(cohort.numeric[TEST]))
    assert inputs.numeric_missing.any()
    assert (inputs.numeric[inputs.numeric_missing] == 0.0).all()
    assert not inputs.image_present.all()
    assert (inputs.images[~inputs.image_present] == 0.0).all()
    np.testing.assert_array_equal(inputs.categorical, cohort.categorical[TEST])
    assert inputs.subjects == cohort.subjects[30:]
    assert inputs.images.dtype == inputs.numeric.dtype == np.float32
    inputs.images[:] = 0.0  # a copy of the caller's own
    inputs.labels[:] = 0


def test_columns_without_values_or_spread(make_cohort: Callable[..., Cohort]) -> None:
    numeric = np.column_stack([np.full(40, 0.1), np.full(40, np.nan)])
    absent = np.zeros(40, dtype=np.bool_)
    cohort = make_cohort(numeric=numeric, image_present=absent)
    fitted = Preprocessing.fit(cohort, TRAIN)
    assert fitted.numeric_deviation == (1.0, 1.0)
    assert fitted.image_mean == (0.0, 0.0)
    inputs = fitted.apply(cohort, TEST)
    np.testing.assert_allclose(inputs.numeric, 0.0, atol=1e-6)
    assert np.isfinite(inputs.images).all()


def test_without_a_modality(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort().with_inputs(("categorical",))
    inputs = Preprocessing.fit(cohort, TRAIN).apply(cohort, TEST)
    assert inputs.images.shape == (10, 0, 4, 4)
    assert inputs.numeric.shape == (10, 0)


def test_survives_json(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    fitted = Preprocessing.fit(cohort, TRAIN)
    assert Preprocessing.from_dict(json.loads(json.dumps(fitted.to_dict()))) == fitted


def test_refuses_other_columns(make_cohort: Callable[..., Cohort]) -> None:
    fitted = Preprocessing.fit(make_cohort(), TRAIN)
    with pytest.raises(DataError, match="numeric_names must be those"):
        fitted.apply(make_cohort(numeric_names=("age", "mmse")), TEST)
    with pytest.raises(DataError, match="categorical_levels must be those"):
        fitted.apply(make_cohort(categorical_levels=(("a", "c", "b"),)), TEST)
