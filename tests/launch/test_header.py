from __future__ import annotations

import pytest

from joulefront.energy import power_model
from joulefront.errors import JoulefrontError
from joulefront.launch import header
from joulefront.spec import Energy, Power, import_trainable


def test_a_header_says_what_joules_are_reckoned_with(toy_spec):
    spec = toy_spec(energy=Energy(power=Power(joules_per_cpu_second=7.5)))
    written = header.study_header(spec, import_trainable(spec.trainable))
    model = written["power_model"]
    assert model["joules_per_cpu_second"] == 7.5 and model["provenance"] == "modelled"
    assert "given in the study file" in model["source"]
    assert model["idle_watts_per_core"] == power_model().idle_watts_per_core
    assert written["node_class"] and written["reference"] is None


def test_a_reference_is_measured_where_it_is_asked_for(toy_spec, monkeypatch):
    monkeypatch.setattr(header, "kernel_cpu_seconds", lambda: 0.25)
    spec = toy_spec(energy=Energy(normalise="reference"))
    written = header.study_header(spec, import_trainable(spec.trainable))
    assert written["reference"] == {
        "kernel_cpu_seconds": 0.25,
        "joules_per_cpu_second": written["power_model"]["joules_per_cpu_second"],
        "node_class": written["node_class"],
        "gpu_millijoules": None,
    }


def test_given_grams_win_over_a_country():
    assert header.study_grid_intensity(Energy()) is None
    assert header.study_grid_intensity(Energy(country="TWN", grams_per_kwh=502.0)) == 502.0
    assert header.study_grid_intensity(Energy(country="XXX", grams_per_kwh=502.0)) == 502.0
    assert header.study_grid_intensity(Energy(country="FRA")) < 502.0
    with pytest.raises(JoulefrontError, match=r"energy\.country"):
        header.study_grid_intensity(Energy(country="XXX"))
