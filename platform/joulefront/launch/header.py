"""What a study writes down about itself before its first trial: the content of `study.json`."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, datetime
from typing import Any

from joulefront.energy import PowerModel, grid_intensity, power_model
from joulefront.energy.calibration import host_power_model
from joulefront.energy.gpu import gpu_names
from joulefront.energy.node_class import node_class
from joulefront.energy.power import overridden
from joulefront.energy.reference import Reference, kernel_cpu_seconds
from joulefront.launch.identity import identify
from joulefront.launch.stored_spec import stored_spec
from joulefront.spec import Energy, StudySpec, Trainable
from joulefront.trial.host_model import gpu_millijoules

SCHEMA_VERSION = 1


def study_header(spec: StudySpec, trainable: Trainable) -> dict[str, Any]:
    """Return the header of a new study.

    Args:
        spec: What the study is.
        trainable: Whose module may describe the data.

    Raises:
        DataError: If the trainable's cohort cannot be read.
        JoulefrontError: If the country's electricity is not known.
    """
    identity = identify(spec, trainable)
    model = host_power_model(spec.energy.power.to_dict())
    normalise = spec.energy.normalise == "reference"
    return {
        "name": spec.name,
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "joulefront_version": importlib.metadata.version("joulefront"),
        "spec": stored_spec(spec),
        "fingerprint": identity.fingerprint,
        "power_model": model.to_dict(),
        "node_class": node_class(),
        "reference": _reference(spec, model) if normalise else None,
        "grid_intensity_grams_per_kwh": study_grid_intensity(spec.energy),
        "data": identity.data,
    }


def study_model(energy: Energy) -> PowerModel:
    """Return this machine's power model, with what the study file gives in its place."""
    return overridden(power_model(), energy.power.to_dict())


def study_grid_intensity(energy: Energy) -> float | None:
    """Return grams of CO2e a kilowatt-hour; None if the study file does not say where it runs.

    Raises:
        JoulefrontError: If the country's electricity is not known.
    """
    if energy.grams_per_kwh is not None or energy.country is None:
        return energy.grams_per_kwh
    return grid_intensity(energy.country)


def _reference(spec: StudySpec, model: PowerModel) -> Reference:
    uuids = list(gpu_names()) if spec.per_trial.gpus else []
    return {
        "kernel_cpu_seconds": kernel_cpu_seconds(),
        "joules_per_cpu_second": model.joules_per_cpu_second,
        "node_class": node_class(),
        "gpu_millijoules": gpu_millijoules("cuda:0", *uuids[:1]),
    }
