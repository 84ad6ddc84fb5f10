from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from joulefront.trial import DataError
from trainables.cohorts import DataOptions


def test_defaults() -> None:
    synthetic = DataOptions.parse({})
    assert synthetic == DataOptions.parse({"cohort": "synthetic_ad", "subjects": 240, "folds": 5})
    assert synthetic.planes == ("axial",)
    oasis = DataOptions.parse({"cohort": "oasis1"})
    assert oasis.planes == ("axial", "coronal", "sagittal")
    assert oasis.root == Path("../shared/data/oasis1")


def test_a_small_scale_has_the_first_plane() -> None:
    assert DataOptions.parse({}).scale == "full"
    small = DataOptions.parse({"cohort": "oasis1", "scale": "small"})
    assert small.planes == ("axial",)
    sagittal = {"cohort": "oasis1", "scale": "small", "planes": ["sagittal", "axial"]}
    assert DataOptions.parse(sagittal).planes == ("sagittal",)
    assert small.image_size == DataOptions.parse({}).image_size


def test_root_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOULEFRONT_OASIS1", "/somewhere/oasis")
    assert DataOptions.parse({"cohort": "oasis1"}).root == Path("/somewhere/oasis")
    assert DataOptions.parse({"cohort": "oasis1", "root": "here"}).root == Path("here")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"cohort": "oasis"}, "did you mean oasis1"),
        ({"cohort": ["oasis1"]}, "one of"),
        ({"sebjects": 40}, "data.sebjects; did you mean subjects"),
        ({"root": "x"}, "must have no keys but"),
        ({"cohort": "oasis1", "subjects": 40}, "must have no keys but"),
        ({"subjects": 240.0}, "data.subjects must be an integer"),
        ({"subjects": True}, "data.subjects must be an integer"),
        ({"seed": -1}, "data.seed"),
        ({"image_size": 4}, "data.image_size"),
        ({"folds": 1}, "data.folds"),
        ({"planes": "axial"}, "data.planes must be a list"),
        ({"planes": []}, "data.planes must be a list"),
        ({"planes": ["axial", "axial"]}, "only once"),
        ({"planes": ["axal"]}, "did you mean axial"),
        ({"scale": "smal"}, "did you mean small"),
        ({"scale": 2}, "data.scale must be one of full, small"),
        ({"inputs": ["images"]}, "did you mean image"),
        ({"validation_share": 0}, "validation_share"),
        ({"validation_share": "0.2"}, "validation_share"),
        ({"validation_share": float("nan")}, "validation_share"),
        ({"cohort": "oasis1", "root": 3}, "data.root"),
    ],
)
def test_refuses_by_name(data: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        DataOptions.parse(data)
