"""The tables that CodeCarbon brings along, read as files: thermal design power, grid intensity.

CodeCarbon itself is not imported: that takes half a second, reads its configuration files and
logs. Nothing here touches the network or writes anything.
"""

from __future__ import annotations

import csv
import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def cpu_power_table() -> tuple[tuple[str, float], ...]:
    """Return (model name, thermal design power of one socket in watts) of about 4900 CPUs.

    Rows whose power is no positive number are left out (3.3.2 has five, such as "27.29.5").
    """
    text = _folder().joinpath("hardware", "cpu_power.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return tuple((row["Name"], float(row["TDP"])) for row in rows if _is_positive(row["TDP"]))


@cache
def grid_table() -> dict[str, tuple[str, float]]:
    """Return ISO 3166 alpha-3 code → (country name, grams of CO2 equivalent per kWh).

    Yearly means of the country's production, of the last year that the source had (Our World in
    Data, for most countries 2022 or 2023).
    """
    text = _folder().joinpath("private_infra", "global_energy_mix.json").read_text("utf-8")
    return {
        code: (mix["country_name"], float(mix["carbon_intensity"]))
        for code, mix in json.loads(text).items()
    }


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0.0
    except ValueError:
        return False


def _folder() -> Path:
    spec = find_spec("codecarbon")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'codecarbon'", name="codecarbon")
    return Path(spec.origin).parent / "data"
