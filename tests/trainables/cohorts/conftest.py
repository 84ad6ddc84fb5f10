"""Cohorts small enough to check by hand, and an invented folder in the layout of OASIS-1."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from trainables.cohorts import Cohort

HEADER = ["ID", "M/F", "Hand", "Age", "Educ", "SES", "MMSE", "CDR", "eTIV", "nWBV", "ASF", "Delay"]
REAL = os.environ.get("JOULEFRONT_OASIS1") or Path(__file__).parents[4] / "shared/data/oasis1"
SIZES = {"axial": (176, 208), "coronal": (176, 176), "sagittal": (208, 176)}  # width × height


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOULEFRONT_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.delenv("JOULEFRONT_OASIS1", raising=False)


@pytest.fixture
def make_cohort() -> Callable[..., Cohort]:
    """A random cohort; keywords replace what it is built from."""

    def make(count: int = 40, **changes: Any) -> Cohort:
        rng = np.random.default_rng(0)
        subjects = tuple(f"p{row:03d}" for row in range(count))
        present = np.arange(count) % 7 != 3
        numeric = rng.normal(50.0, 10.0, (count, 2))
        numeric[::5, 1] = np.nan
        values: dict[str, Any] = {
            "name": "made_up",
            "subjects": subjects,
            "groups": subjects,
            "labels": np.arange(count) % 2,
            "images": rng.random((count, 2, 4, 4), dtype=np.float32) * present[:, None, None, None],
            "image_present": present,
            "planes": ("axial", "coronal"),
            "numeric": numeric,
            "numeric_names": ("age", "score"),
            "categorical": rng.integers(-1, 3, (count, 1)),
            "categorical_names": ("gene",),
            "categorical_levels": (("a", "b", "c"),),
        }
        return Cohort(**(values | changes))

    return make


@pytest.fixture
def oasis_rows() -> list[list[str]]:
    """Twelve invented rows, half of them CDR > 0; the last is a rescan of the one before."""
    rows = []
    for number in range(12):
        name = f"OAS1_{number:04d}_MR1" if number < 11 else "OAS1_0010_MR2"
        cdr = "0" if number % 2 else "0.5"
        cells = [name, "FM"[number % 2], "R", str(65 + number), "3", "", "28", cdr]
        rows.append([*cells, "1450", f"0.7{number:02d}", "1.21", ""])
    return rows


@pytest.fixture
def make_oasis(tmp_path: Path, oasis_rows: list[list[str]]) -> Callable[..., Path]:
    """Write a folder with these rows, and a slice in each plane for each of these ids."""

    def make(rows: list[list[str]] | None = None, header: list[str] | None = None) -> Path:
        root = tmp_path / "oasis"
        rng = np.random.default_rng(1)
        for plane, (width, height) in SIZES.items():
            (root / "images" / plane).mkdir(parents=True, exist_ok=True)
            for row in oasis_rows:
                pixels = rng.integers(0, 256, (height, width), dtype=np.uint8)
                Image.fromarray(pixels).save(root / "images" / plane / f"{row[0]}.jpg")
        with (root / "oasis_cross-sectional.csv").open("w", newline="") as file:
            csv.writer(file).writerows([header or HEADER, *(rows or oasis_rows)])
        return root

    return make


@pytest.fixture
def real_oasis() -> Path:
    """The real folder, which is nobody's to copy: where it is absent, the test is skipped."""
    root = Path(REAL)
    if not root.is_dir():
        pytest.skip(f"no OASIS-1 slices in {root}; JOULEFRONT_OASIS1 says where they are")
    return root
