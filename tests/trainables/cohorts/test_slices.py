from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from joulefront.trial import DataError
from trainables.cohorts.slices import read_slice, square


def _jpg(path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 50), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def test_reads_grey_values(tmp_path: Path) -> None:
    image = read_slice(_jpg(tmp_path / "a.jpg"))
    assert image.shape == (60, 50)
    assert image.dtype == np.float32
    assert 0.0 <= image.min() < image.max() <= 1.0


@pytest.mark.parametrize("kept", [0, 10, 300])
def test_refuses_a_truncated_file(tmp_path: Path, kept: int) -> None:
    path = _jpg(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError, match=r"a\.jpg"):
        read_slice(path)


def test_refuses_text_blank_absent_and_huge_pictures(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    Image.new("L", (20, 20), 7).save(tmp_path / "blank.jpg")
    Image.new("L", (5000, 2)).save(tmp_path / "wide.jpg")
    for name, message in (
        ("text", "readable picture"),
        ("blank", "show something"),
        ("absent", "readable picture"),
        ("wide", "at most 4096"),
    ):
        with pytest.raises(DataError, match=message):
            read_slice(tmp_path / f"{name}.jpg")


def test_square_pads_in_the_middle() -> None:
    image = np.ones((4, 2), dtype=np.float32)
    expected = np.zeros((4, 4), dtype=np.float32)
    expected[:, 1:3] = 1.0
    np.testing.assert_array_equal(square(image, 4), expected)


def test_square_removes_aliasing_and_stays_in_range() -> None:
    stripes = np.tile(np.array([0.0, 1.0], dtype=np.float32), (128, 64))
    small = square(stripes, 32)
    assert small.shape == (32, 32)
    assert small.dtype == np.float32
    np.testing.assert_allclose(small[:, 2:-2], 0.5, atol=0.05)
    edge = np.zeros((64, 64), dtype=np.float32)
    edge[:, 32:] = 1.0
    assert 0.0 <= square(edge, 40).min() <= square(edge, 40).max() <= 1.0
