from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from trainables.cohorts import baselines, load_cohort, synthetic_ad

DATA: dict[str, Any] = {"subjects": 24, "image_size": 32}


@pytest.fixture(autouse=True)
def _forget_loaded() -> None:
    synthetic_ad.load.cache_clear()


def test_the_cohort(monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = load_cohort(DATA)
    assert cohort.name == "synthetic_ad"
    assert cohort.images.shape == (24, 1, 32, 32)
    assert np.bincount(cohort.labels).tolist() == [12, 12]
    assert cohort.groups == cohort.subjects
    assert (~cohort.image_present).sum() == 2
    assert not cohort.images[~cohort.image_present].any()
    assert (cohort.images[cohort.image_present].max(axis=(1, 2, 3)) > 0.5).all()
    first = cohort.fingerprint
    synthetic_ad.load.cache_clear()
    monkeypatch.setattr(synthetic_ad, "_generate", None)  # from the cache, or not at all
    again = load_cohort(DATA)
    assert again.fingerprint == first
    assert not again.images.flags.owndata  # mapped
    np.testing.assert_array_equal(again.images * 255, np.round(again.images * 255))


@pytest.mark.slow
def test_made_again_where_the_cache_is_damaged_or_impossible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOULEFRONT_CACHE", str(tmp_path))
    first = load_cohort(DATA).fingerprint
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    synthetic_ad.load.cache_clear()
    assert load_cohort(DATA).fingerprint == first
    assert len(file.read_bytes()) == len(whole)
    monkeypatch.setenv("JOULEFRONT_CACHE", str(file / "folder"))
    synthetic_ad.load.cache_clear()
    assert load_cohort(DATA).fingerprint == first


@pytest.mark.slow
def test_planes_do_not_depend_on_each_other() -> None:
    axial = load_cohort(DATA)
    three = load_cohort(DATA | {"planes": ["sagittal", "axial", "coronal"]})
    np.testing.assert_array_equal(three.images[:, 1], axial.images[:, 0])
    np.testing.assert_array_equal(three.numeric, axial.numeric)
    assert load_cohort(DATA | {"seed": 1}).fingerprint != axial.fingerprint
    assert load_cohort(DATA | {"seed": 1}).subjects[0] != axial.subjects[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_images_alone_separate_a_little(seed: int) -> None:
    images = baselines({"cohort": "synthetic_ad", "subjects": 240, "seed": seed})[-1]
    assert images["inputs"] == "axial slice"
    labels = [label for fold in images["folds"] for label in fold["labels"].values()]
    scores = [score for fold in images["folds"] for score in fold["scores"].values()]
    assert 0.65 <= roc_auc_score(labels, scores) <= 0.80
