from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest

from joulefront.results import Study, codecarbon_rows
from joulefront.results.codecarbon import COLUMNS


def test_the_columns_are_those_that_codecarbon_writes() -> None:
    package = Path(importlib.util.find_spec("codecarbon").origin).parent
    source = package / "output_methods" / "emissions_data.py"
    classes = {
        node.name: node
        for node in ast.parse(source.read_text(encoding="utf-8")).body
        if isinstance(node, ast.ClassDef)
    }
    fields = [
        node.target.id for node in classes["EmissionsData"].body if isinstance(node, ast.AnnAssign)
    ]
    assert list(COLUMNS) == fields


def test_a_row_is_a_host_in_codecarbons_units(make_study, make_ledger) -> None:
    ledger = [
        *make_ledger("a", [("c1-f0-s0", 1, 10.0, True)], gpu_joules=72.0),
        *make_ledger("b", search=1.0),
    ]
    trials = [{"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 20.0}]
    section = {"grams_per_kwh": 500.0, "country": "TWN"}
    rows = codecarbon_rows(make_study(trials, ledger=ledger, section=section))
    assert rows["run_id"].tolist() == ["small/a", "small/b"]
    first = rows.iloc[0]
    assert first["duration"] == 20.0
    assert first["cpu_energy"] == pytest.approx((20.0 + 40.0) / 3.6e6)
    assert first["gpu_energy"] == pytest.approx(72.0 / 3.6e6)
    assert first["ram_energy"] == pytest.approx(40.0 / 3.6e6)
    assert first["energy_consumed"] == pytest.approx(172.0 / 3.6e6)
    assert first["cpu_power"] == pytest.approx(3.0)
    assert first["emissions"] == pytest.approx(172.0 / 3.6e6 * 0.5)
    assert first["emissions_rate"] == pytest.approx(172.0 / 3.6e6 * 0.5 / 20.0)
    assert (first["country_name"], first["country_iso_code"]) == ("Taiwan", "TWN")
    assert (first["cpu_count"], first["cpu_model"]) == (4, "Made Up 4000 (virtual)")
    assert (first["gpu_count"], first["gpu_model"]) == (1, "1 x Made Up GPU")
    assert first["ram_total_size"] == 8.0
    assert first["timestamp"] == "1970-01-01T00:00:10"


def test_what_is_not_known_is_empty(sweep: Study) -> None:
    rows = codecarbon_rows(sweep)
    assert rows["run_id"].tolist() == ["small/h"]
    for name in ("duration", "emissions", "energy_consumed", "cpu_power", "water_consumed", "os"):
        assert rows[name].isna().all()
