"""The study's own bill as a table of characters: what it spent, on what, and how that is known."""

from __future__ import annotations

import math

import pandas as pd

from joulefront.results.study import Study
from joulefront.results.summary import emissions_sentence
from joulefront.results.text import aligned, wrapped
from joulefront.results.units import energy_text, number_text

_SIGNIFICANT_DIGITS = 3
_READ_IN_WATT_HOURS_FROM = 36_000.0  # joules, later than elsewhere: the least row counts too


def bill_table(study: Study, width: int = 80) -> str:
    """Print `Study.bill`: a row an account, with its share of the total.

    Args:
        study: The study.
        width: Columns that no line exceeds; the table itself takes about 75.
    """
    bill = study.bill()
    joules = bill.filter(like="_joules")
    in_watt_hours = joules.abs().max().max() >= _READ_IN_WATT_HOURS_FROM
    unit, factor = ("Wh", 1 / 3600) if in_watt_hours else ("J", 1.0)
    labels = ["", *(f"{str(name).removesuffix('_joules')} ({unit})" for name in joules), "share"]
    columns = [bill.index.tolist(), *(_numbers(joules[name] * factor) for name in joules)]
    total = bill["total_joules"]["total"]
    columns.append([_share(value, total) for value in bill["total_joules"]])
    if "emissions_grams" in bill:
        labels.append("g CO2e")
        columns.append(_numbers(bill["emissions_grams"]))
    lines = [f"{study.name}: {_told(study, total)}", "", *aligned(labels, columns), ""]
    if not math.isnan(total):
        lines += emissions_sentence(study, total)
    provenance = ", ".join(f"{name}={how}" for name, how in bill.attrs["provenance"].items())
    lines.append(f"provenance: {provenance or 'not recorded'}")
    return "\n".join(piece for line in lines for piece in wrapped(line, width) or [""])


def _told(study: Study, total: float) -> str:
    hosts = study.hosts()
    if hosts.empty:
        return "no meter kept a ledger, so only the trials' own energy is known"
    each = (f"{host} ({seconds:.0f} s)" for host, seconds in hosts[["host", "seconds"]].to_numpy())
    spent = "a part of it on other hosts is not known" if math.isnan(total) else energy_text(total)
    return f"{spent}; metered on {', '.join(each)}"


def _numbers(values: pd.Series[float]) -> list[str]:
    return [number_text(value, _SIGNIFICANT_DIGITS) for value in values]


def _share(joules: float, total: float) -> str:
    return f"{joules / total:.1%}" if total > 0 else "-"
