from __future__ import annotations

import pytest

from joulefront.results.units import energy_text, estimate_text, number_text, readable, unit_of


@pytest.mark.parametrize(
    ("column", "unit"),
    [
        ("energy_joules", "J"),
        ("energy_joules_standard_error", "J"),
        ("joules", "J"),
        ("duration_seconds", "s"),
        ("emissions_grams", "g CO2e"),
        ("peak_memory_bytes", "B"),
        ("samples_per_second", "1/s"),
        ("flops_per_sample", "FLOP"),
        ("accuracy", "1"),
    ],
)
def test_units_are_read_from_names(column: str, unit: str) -> None:
    assert unit_of(column) == unit


def test_energy_is_shown_in_the_unit_that_reads_better() -> None:
    assert readable("energy_joules", 359.0) == ("energy (J)", 1.0)
    assert readable("energy_joules", 360.0) == ("energy (Wh)", 1 / 3600)
    assert readable("energy_joules", float("nan")) == ("energy (J)", 1.0)


def test_labels_of_other_columns() -> None:
    assert readable("accuracy", 1.0) == ("accuracy", 1.0)
    assert readable("latency_seconds", 1.0) == ("latency (s)", 1.0)
    assert readable("samples_per_second", 1.0) == ("samples_per_second (1/s)", 1.0)


def test_texts() -> None:
    assert energy_text(1800.0) == "0.5 Wh (1800 J)"
    assert number_text(None) == number_text(float("nan")) == "-"
    assert number_text(196840.4) == "196840"
    assert number_text(1.5e-5) == "1.5e-05"
    assert number_text(True) == "True"
    assert estimate_text(0.81234, float("nan")) == "0.8123"
    assert estimate_text(0.81234, 0.0123) == "0.8123 ± 0.012"


def test_what_is_estimated_has_the_unit_of_its_metric() -> None:
    for ending in ("_standard_error", "_low", "_high"):
        assert unit_of(f"energy_joules{ending}") == "J"
