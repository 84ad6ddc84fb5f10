"""Joules to grams of CO2 equivalent, by the yearly mean of a country's grid; offline."""

from __future__ import annotations

import difflib

from joulefront.energy.bundled import grid_table
from joulefront.errors import JoulefrontError

_JOULES_PER_KWH = 3.6e6


def grid_intensity(country: str) -> float:
    """Return grams of CO2 equivalent per kWh of a country's electricity.

    Args:
        country: ISO 3166 alpha-3 code in capitals, such as "TWN".

    Raises:
        JoulefrontError: If the table does not have the country.
    """
    table = grid_table()
    if country not in table:
        nearest = _nearest(country, {code: name for code, (name, _) in table.items()})
        raise JoulefrontError(
            "energy.country must be a three-letter ISO code with a known grid intensity",
            given=repr(country),
            remedy="nearest: " + ", ".join(nearest) if nearest else "or leave it out",
        )
    return table[country][1]


def emissions_grams(joules: float, intensity: float) -> float:
    """Return grams of CO2 equivalent of `joules` at `intensity` grams per kWh."""
    return joules / _JOULES_PER_KWH * intensity


def _nearest(country: str, names: dict[str, str]) -> list[str]:
    """Return up to three "CODE (name)", by name first: "GER" means DEU."""
    wanted = country.casefold()
    by_name = [code for code, name in names.items() if name.casefold().startswith(wanted)]
    by_code = difflib.get_close_matches(country.upper(), names, n=3, cutoff=0.5)
    codes = list(dict.fromkeys([*(by_name if wanted else []), *by_code]))[:3]
    return [f"{code} ({names[code]})" for code in codes]
