"""`study stop STUDY`: end a running study as Ctrl-C would; it can be resumed."""

from __future__ import annotations

from typing import Annotated

import typer

from joulefront.cli.submit import ADDRESS_HELP


def stop(
    study: Annotated[str, typer.Argument(help="The study's store, or the name of its job.")],
    address: Annotated[str, typer.Option(help=ADDRESS_HELP)],
) -> None:
    """Stop a study that runs; what it has measured stays, and `--resume` goes on."""
    from joulefront.launch.jobs import jobs_client, stop_study

    ended = stop_study(jobs_client(address), study)
    for job in ended:
        print(f"{job.submission_id}: {job.status}")
    if not ended:
        print(f"{study}: does not run")
