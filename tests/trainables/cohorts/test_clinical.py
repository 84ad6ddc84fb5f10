from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from trainables.cohorts import clinical

SINGLE_INPUT_LIMIT = 0.92  # one that separates better makes the rest of the cohort worthless


def _people(seed: int, count: int = 240) -> clinical.People:
    return clinical.draw_people(count, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(25))
def test_no_single_input_separates_the_classes(seed: int) -> None:
    people = _people(seed)
    numeric, categorical = clinical.hide_missing(people)
    for column, name in enumerate(clinical.NUMERIC_NAMES):
        there = ~np.isnan(numeric[:, column])
        area = roc_auc_score(people.labels[there], numeric[there, column])
        assert max(area, 1 - area) <= SINGLE_INPUT_LIMIT, name
    for column, name in enumerate(clinical.CATEGORICAL_NAMES):
        values = categorical[:, column]  # the best any ordering of the levels could do, in sample
        share = {v: people.labels[values == v].mean() for v in np.unique(values)}
        area = roc_auc_score(people.labels, [share[value] for value in values])
        assert area <= SINGLE_INPUT_LIMIT, name


def test_the_published_statistics_come_out() -> None:
    people = _people(0, 20_000)
    healthy = people.numeric[people.labels == 0]
    means = dict(zip(clinical.NUMERIC_NAMES, healthy.mean(axis=0), strict=True))
    assert means["age"] == pytest.approx(75.9, abs=0.5)
    assert means["education"] == pytest.approx(16.5, abs=0.3)
    assert means["mmse"] == pytest.approx(29.0, abs=0.3)
    assert means["adas13"] == pytest.approx(9.1, abs=0.3)
    assert means["hippocampus"] == pytest.approx(7371, abs=60)
    assert means["nwbv"] == pytest.approx(0.752, abs=0.004)
    ill = people.numeric[people.labels == 1]
    assert ill[:, 2].mean() == pytest.approx(0.7 * 25.6 + 0.3 * 21.2, abs=0.5)
    assert ill[:, 6].mean() == pytest.approx(0.7 * 0.729 + 0.3 * 0.705, abs=0.006)
    correlations = np.corrcoef(np.column_stack([people.atrophy, people.numeric]).T)
    assert 0.3 < correlations[0, 1] < 0.6  # atrophy with age
    assert -0.65 < correlations[0, 3] < -0.3  # with MMSE
    carriers = [
        np.isin(people.categorical[people.labels == y, 1], (2, 4, 5)).mean() for y in (0, 1)
    ]
    assert carriers == pytest.approx([0.32, 0.55], abs=0.02)


def test_ranges_and_classes() -> None:
    people = _people(3, 241)
    assert people.labels.sum() == 120
    low, high = people.numeric.min(axis=0), people.numeric.max(axis=0)
    for name, least, most in (
        ("age", 60, 96),
        ("education", 6, 20),
        ("mmse", 10, 30),
        ("adas13", 0, 85),
        ("nwbv", 0.6, 0.9),
    ):
        column = clinical.NUMERIC_NAMES.index(name)
        assert least <= low[column] <= high[column] <= most


def test_blocks_are_missing_whole_and_whatever_the_class() -> None:
    people = _people(0, 20_000)
    numeric, categorical = clinical.hide_missing(people)
    gone = {name: np.isnan(numeric[:, i]) for i, name in enumerate(clinical.NUMERIC_NAMES)}
    gone |= {name: categorical[:, i] < 0 for i, name in enumerate(clinical.CATEGORICAL_NAMES)}
    for block, names in clinical.BLOCKS.items():
        for name in names:
            np.testing.assert_array_equal(gone[name], people.missing[block])
        assert people.missing[block].mean() == pytest.approx(clinical.MISSING_SHARE[block])
        share = [people.missing[block][people.labels == label].mean() for label in (0, 1)]
        assert share[0] == pytest.approx(share[1], abs=0.02)
    for name in ("age", "education", "sex"):
        assert not gone[name].any()


def test_the_seed_decides() -> None:
    np.testing.assert_array_equal(_people(1).numeric, _people(1).numeric)
    assert not np.array_equal(_people(1).numeric, _people(2).numeric)
