from __future__ import annotations

from dataclasses import replace

import pytest

from joulefront.energy import PowerModel
from joulefront.errors import JoulefrontError
from joulefront.trial import Assignment, Place, host_model
from joulefront.trial.host_model import host_model as model_for

OWN = PowerModel(
    joules_per_cpu_second=2.0,
    idle_watts_per_core=0.1,
    ram_watts_per_gib=0.2,
    tdp_watts=8.0,
    source="made up",
)
REFERENCE = {"kernel_cpu_seconds": 0.3, "joules_per_cpu_second": 4.0, "node_class": "A"}
STUDY = Assignment(
    trainable="m:train",
    trial_id="t",
    config_id="c",
    node_class="A",
    power_model=replace(OWN, joules_per_cpu_second=4.0).to_dict(),
)


@pytest.fixture
def on(monkeypatch):
    """Be a machine of a class whose kernel takes 0.6 CPU-seconds."""
    monkeypatch.setattr(host_model, "power_model", lambda: OWN)
    monkeypatch.setattr(host_model, "_kernel_seconds", lambda: 0.6)
    return lambda name: monkeypatch.setattr(host_model, "own_class", lambda: name)


def test_a_machine_of_the_study_s_class_takes_the_study_s_model(on):
    on("A")
    assert model_for(STUDY, Place()).joules_per_cpu_second == 4.0


def test_another_machine_takes_its_own(on):
    on("B")
    assert model_for(STUDY, Place()) == OWN


def test_normalised_a_slower_machine_charges_what_the_reference_would(on):
    on("B")
    model = model_for(replace(STUDY, reference=REFERENCE), Place())
    assert (model.joules_per_cpu_second, model.provenance) == (2.0, "normalised")


def test_normalised_machines_of_the_reference_s_class_are_all_alike(on):
    on("A")
    model = model_for(replace(STUDY, reference=REFERENCE), Place())
    assert (model.joules_per_cpu_second, model.provenance) == (4.0, "normalised")


def test_normalised_a_gpu_on_one_side_only_is_refused(on):
    on("B")
    with pytest.raises(JoulefrontError, match="GPU"):
        model_for(replace(STUDY, reference=REFERENCE | {"gpu_millijoules": 5.0}), Place())
