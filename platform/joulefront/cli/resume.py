"""`study resume STUDY`: go on with a study by what its own directory says."""

from __future__ import annotations

from typing import Annotated

import typer

from joulefront.cli.launch import run_study
from joulefront.spec import StudySpec


def resume(
    study: Annotated[str, typer.Argument(help="Study directory or URI.")],
    address: Annotated[
        str | None, typer.Option(help="Of a running Ray cluster; default: a local Ray.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option(help="IP address of this host where others join; needs a token.")
    ] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Go on though code or data have changed.")
    ] = False,
) -> None:
    """Go on with a study that was interrupted or killed; its study file is not needed."""
    from joulefront.store import StudyStore

    spec = StudySpec.from_dict(StudyStore.open(study).header["spec"])
    run_study(spec, study, address, listen, True, accept_changes)
