"""What a study writes down about itself before its first trial: the content of `study.json`."""

from __future__ import annotations

import importlib.metadata
import platform
import socket
from datetime import UTC, datetime
from typing import Any

from joulefront.energy import PowerModel, grid_intensity
from joulefront.spec import StudySpec, Trainable

SCHEMA_VERSION = 1
_PACKAGES = ("ray", "torch", "optuna", "pyarrow", "codecarbon", "numpy")


def study_header(spec: StudySpec, trainable: Trainable, model: PowerModel) -> dict[str, Any]:
    """Return the header of a new study.

    Args:
        spec: What the study is.
        trainable: Whose module may describe the data.
        model: What joules are reckoned with.

    Raises:
        DataError: If the trainable's cohort cannot be read.
    """
    describe = getattr(trainable.module, "describe_data", None)
    country = spec.energy.country
    return {
        "name": spec.name,
        "schema_version": SCHEMA_VERSION,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "joulefront_version": importlib.metadata.version("joulefront"),
        "spec": spec.to_dict(),
        "environment": environment(),
        "power_model": model.to_dict(),
        "grid_intensity_grams_per_kwh": None if country is None else grid_intensity(country),
        "data": None if describe is None else describe(spec.data),
    }


def environment() -> dict[str, str]:
    """Return the versions and the machine that results depend on; no variables, no paths."""
    versions = {}
    for package in _PACKAGES:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            versions[package] = "absent"
    return {"python": platform.python_version(), "host": socket.gethostname()} | versions
