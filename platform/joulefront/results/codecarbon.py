"""The bill in the columns of CodeCarbon's `emissions.csv`, for whoever collects such files.

A row is a host, as a CodeCarbon tracker in machine mode on it would have written: all that the host
spent while the study ran. Rows add up; a row a trial would not, since it would leave out what no
trial is charged. Units are CodeCarbon's: kWh, kg, kg/s, W, s, GiB. What is not known is empty.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import pandas as pd

from joulefront.energy.bundled import grid_table
from joulefront.results.study import Study
from joulefront.results.summary import summarise

_JOULES_PER_KILOWATT_HOUR = 3.6e6
_GIB = 1024**3

#: Fields of `codecarbon.output_methods.emissions_data.EmissionsData` of 3.3.2, in their order.
COLUMNS = (
    *("timestamp", "project_name", "run_id", "experiment_id", "duration", "emissions"),
    *("emissions_rate", "cpu_power", "gpu_power", "ram_power", "cpu_energy", "gpu_energy"),
    *("ram_energy", "energy_consumed", "water_consumed", "country_name", "country_iso_code"),
    *("region", "cloud_provider", "cloud_region", "os", "python_version", "codecarbon_version"),
    *("cpu_count", "cpu_model", "gpu_count", "gpu_model", "longitude", "latitude"),
    *("ram_total_size", "tracking_mode", "cpu_utilization_percent", "gpu_utilization_percent"),
    *("ram_utilization_percent", "ram_used_gb", "on_cloud", "pue", "wue"),
)


def codecarbon_rows(study: Study) -> pd.DataFrame:
    """One row a host, with `COLUMNS`; `run_id` names study and host.

    A host without a ledger has a row without energy. Power is the mean over `duration`.
    """
    bill = study.bill(by="host")
    totals = bill[bill.index.get_level_values("account") == "total"].droplevel("account")
    facts = study.hosts().set_index("host")
    rows = [
        _of_study(study) | {"run_id": f"{study.name}/{host}"} | _energy(total)
        for host, total in totals.iterrows()
    ]
    frame = pd.DataFrame(rows, columns=list(COLUMNS), index=totals.index)
    frame["duration"] = facts["seconds"]
    for name in ("cpu", "gpu", "ram"):
        joules = frame[f"{name}_energy"] * _JOULES_PER_KILOWATT_HOUR
        frame[f"{name}_power"] = joules / frame["duration"]
    frame["emissions_rate"] = frame["emissions"] / frame["duration"]
    frame["cpu_count"] = facts["cores"]
    frame["cpu_model"] = facts["node_class"].map(lambda name: name.partition(",")[0])
    frame["gpu_count"] = facts["gpus"].map(len)
    frame["gpu_model"] = facts["gpus"].map(_counted)
    frame["ram_total_size"] = facts["memory_bytes"] / _GIB
    return frame.reset_index(drop=True)


def _of_study(study: Study) -> dict[str, object]:
    country = study.spec.energy.country or ""
    ended = summarise(study).last_row_time
    fingerprint = study.header.get("fingerprint") or study.header  # older studies have none
    environment = fingerprint.get("environment", {})
    return {
        "timestamp": ended and datetime.fromtimestamp(ended, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "project_name": study.name,
        "country_name": grid_table().get(country, ("",))[0],
        "country_iso_code": country,
        "python_version": environment.get("python"),
        "codecarbon_version": environment.get("packages", environment).get("codecarbon"),
        "tracking_mode": "machine",
        "pue": 1,
    }


def _energy(total: pd.Series[float]) -> dict[str, float]:
    kilowatt_hours = total.filter(like="_joules") / _JOULES_PER_KILOWATT_HOUR
    return {
        **{f"{name}_energy": kilowatt_hours[f"{name}_joules"] for name in ("cpu", "gpu", "ram")},
        "energy_consumed": kilowatt_hours["total_joules"],
        "emissions": total.get("emissions_grams", math.nan) / 1000.0,
    }


def _counted(gpus: Mapping[str, str]) -> str:
    return ", ".join(f"{number} x {name}" for name, number in Counter(gpus.values()).items())
