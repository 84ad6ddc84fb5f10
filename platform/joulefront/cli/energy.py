"""`study energy STUDY`: the study's own bill, what it spent on what."""

from __future__ import annotations

import json
import math
import shutil
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from joulefront.cli.options import StudyPlace
from joulefront.cli.piping import write_text

if TYPE_CHECKING:
    from joulefront.results import Study

_WIDEST = 120


class EnergyFormat(StrEnum):
    """How the bill is printed; codecarbon is the columns of CodeCarbon's emissions.csv."""

    table = "table"
    csv = "csv"
    json = "json"
    codecarbon = "codecarbon"


def energy(
    study: StudyPlace,
    output_format: Annotated[
        EnergyFormat,
        typer.Option("--format", help="codecarbon: a row a host, for files of CodeCarbon's."),
    ] = EnergyFormat.table,
) -> None:
    """Show what the study spent: on its front, on all else it tried, and on itself."""
    from joulefront.results import Study, bill_table, codecarbon_rows

    opened = Study.open(study)
    if output_format is EnergyFormat.csv:
        write_text(opened.bill().to_csv())
    elif output_format is EnergyFormat.json:
        write_text(as_json(opened))
    elif output_format is EnergyFormat.codecarbon:
        write_text(codecarbon_rows(opened).to_csv(index=False))
    else:
        width = min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
        write_text(bill_table(opened, width))


def as_json(study: Study) -> str:
    """The bill as one JSON object: `rows` in joules, `provenance`, intensity; unknown is null."""
    bill = study.bill()
    values = {
        "study": study.name,
        "provenance": bill.attrs["provenance"],
        "grid_intensity_grams_per_kwh": study.header.get("grid_intensity_grams_per_kwh"),
        "rows": bill.reset_index().replace({math.nan: None}).to_dict("records"),
    }
    return json.dumps(values, indent=1)
