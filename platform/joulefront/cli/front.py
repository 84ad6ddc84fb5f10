"""`study front STUDY`: the Pareto front, drawn and as a table, or its members as CSV."""

from __future__ import annotations

import shutil
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from joulefront.cli.piping import write_text

_WIDEST, _HEIGHT = 120, 20


class FrontFormat(StrEnum):
    """How the front is printed."""

    table = "table"
    csv = "csv"


def front(
    study: Annotated[Path, typer.Argument(help="Study directory.")],
    output_format: Annotated[
        FrontFormat, typer.Option("--format", help="A drawing with a table, or CSV.")
    ] = FrontFormat.table,
) -> None:
    """Show the front: its members, what they cost, and the baselines beside them."""
    from joulefront.results import Study, draw_front, front_table

    opened = Study.open(study)
    if output_format is FrontFormat.csv:
        write_text(opened.front().to_csv(index=False))
        return
    width = min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
    write_text(f"{draw_front(opened, width, _HEIGHT)}\n\n{front_table(opened, width)}")
