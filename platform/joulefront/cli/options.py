"""The arguments and options that several commands have, so that they are said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DASHBOARD = "Of the cluster's dashboard: http://HEAD:8265."

StudyPlace = Annotated[str, typer.Argument(metavar="STUDY", help="Study directory or URI.")]
TrialId = Annotated[str, typer.Argument(metavar="TRIAL", help="Trial, such as c0007-f0-s0.")]
StudyFile = Annotated[Path, typer.Argument(metavar="FILE", help="The study file.")]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Override a value of the file; repeatable."),
]
Address = Annotated[
    str | None, typer.Option(help="Of a running Ray cluster; default: a local Ray.")
]
Listen = Annotated[
    str | None, typer.Option(help="IP address of this host where others join; needs a token.")
]
Resume = Annotated[
    bool, typer.Option("--resume", help="Go on with the study; start it if there is none.")
]
AcceptChanges = Annotated[
    bool, typer.Option("--accept-changes", help="Go on though code or data changed; recorded.")
]
There = Annotated[
    str | None,
    typer.Option("--address", help=f"{DASHBOARD} STUDY is then its store there, or a job."),
]
