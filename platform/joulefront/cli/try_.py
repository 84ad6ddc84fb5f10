"""`study try FILE`: one trial in this process, for a debugger."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def try_(
    file: Annotated[Path, typer.Argument(help="The study file.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Override a value of the file."),
    ] = None,
) -> None:
    """Run the study's first trial here: no Ray, nothing stored, exceptions as they are."""
    from joulefront.launch.tryout import try_trial
    from joulefront.spec import check_study

    spec = check_study(file, set_ or ())
    try_trial(spec)
