"""`study front STUDY`: the Pareto front, drawn and as a table, or its members as CSV."""

from __future__ import annotations

import shutil
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from joulefront.cli.options import StudyPlace
from joulefront.cli.piping import write_text
from joulefront.errors import StudyError

if TYPE_CHECKING:
    from joulefront.results import Study

_WIDEST, _HEIGHT = 120, 20


class FrontFormat(StrEnum):
    """How the front is printed."""

    table = "table"
    csv = "csv"


def front(
    study: StudyPlace,
    output_format: Annotated[
        FrontFormat, typer.Option("--format", help="A table and a drawing, or CSV.")
    ] = FrontFormat.table,
    best: Annotated[
        str, typer.Option(help='One member, such as "balanced_accuracy under 5 Wh".')
    ] = "",
    knee: Annotated[
        str, typer.Option(help="The member that a knee rule picks: chord, contribution or utopia.")
    ] = "",
) -> None:
    """Show the front, or one pick of it: its members, what they cost, and the baselines."""
    from joulefront.results import Study, picks

    opened = Study.open(study)
    if best and knee:
        raise StudyError("a pick must be by one wish", given="--best and --knee", remedy="take one")
    if best:
        chosen, rule = picks.best_under(opened, best), f"best {best}"
    elif knee:
        chosen, rule = picks.knee(opened, knee), f"knee by {knee}"
    else:
        chosen, rule = opened.front(), ""
    if output_format is FrontFormat.csv:
        write_text(chosen.to_csv(index=False))
    else:
        write_text(picks.pick_text(opened, chosen, rule) if rule else shown(opened))


def shown(study: Study) -> str:
    """Return the front as a table and as a drawing, as wide as the terminal."""
    from joulefront.results import draw_front, front_table

    width = min(shutil.get_terminal_size((80, 24)).columns, _WIDEST)
    return f"{front_table(study, width)}\n\n{draw_front(study, width, _HEIGHT)}"
