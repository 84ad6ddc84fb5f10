from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from joulefront.trial import DataError
from trainables.cohorts import anatomy
from trainables.cohorts.anatomy import FIELD, Anatomy, Tissue, draw_anatomy, load_template, render


@pytest.fixture(scope="module")
def tissue() -> Tissue:
    return load_template()


def _fluid(tissue: Tissue, head: Anatomy, plane: str) -> float:
    """Dark pixels inside the brain."""
    image = render(tissue, head, plane, np.random.default_rng(1))
    return float(((image > 0) & (image < 0.35)).sum() / (image > 0).sum())


@pytest.mark.parametrize("plane", anatomy.PLANES)
def test_a_slice_is_a_brain_on_black(tissue: Tissue, plane: str) -> None:
    head = draw_anatomy(0.0, 1450.0, np.random.default_rng(0))
    image = render(tissue, head, plane, np.random.default_rng(1))
    assert image.shape == (FIELD, FIELD)
    assert image.dtype == np.float32
    assert 0.0 <= image.min() <= image.max() <= 1.0
    assert not image[[0, -1]].any()
    assert not image[:, [0, -1]].any()
    assert 0.2 < (image > 0).mean() < 0.7
    assert 0.05 < (image > 0.75).mean() < 0.5  # white matter
    again = render(tissue, head, plane, np.random.default_rng(1))
    np.testing.assert_array_equal(image, again)


@pytest.mark.parametrize("plane", anatomy.PLANES)
@pytest.mark.parametrize("part", ["ventricles", "thinning"])
def test_atrophy_shows(tissue: Tissue, plane: str, part: str) -> None:
    head = draw_anatomy(0.0, 1450.0, np.random.default_rng(0))
    strengths = {"ventricles": (0.0, 0.4, 0.8), "thinning": (0.4, 0.55, 0.7)}[part]
    shares = [_fluid(tissue, replace(head, **{part: strength}), plane) for strength in strengths]
    assert shares[0] < shares[1] < shares[2]


def test_parts_follow_atrophy_loosely() -> None:
    levels = np.linspace(-2, 3, 400)
    rng = np.random.default_rng(0)
    heads = [draw_anatomy(level, 1450.0, rng) for level in levels]
    for part in ("ventricles", "hippocampi", "thinning"):
        values = [getattr(head, part) for head in heads]
        assert 0.7 < np.corrcoef(levels, values)[0, 1] < 0.97


def test_axial_slices_stand_upright(tissue: Tissue) -> None:
    head = draw_anatomy(0.0, 1450.0, np.random.default_rng(0))
    still = replace(head, rotation=np.eye(3), warps=tuple(0 * warp for warp in head.warps), shift=0)
    image = render(tissue, replace(still, noise=0, bias=0), "axial", np.random.default_rng(1)) > 0
    mirrored = np.mean(image == image[:, ::-1])
    assert mirrored > 0.97  # left and right are across the picture, in the symmetric template
    assert np.mean(image == image[::-1]) < mirrored


def test_a_template_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anatomy, "TEMPLATE_FILE", "no_{}.nii.gz")
    with pytest.raises(DataError, match="MNI152 template"):
        load_template()
