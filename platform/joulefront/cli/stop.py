"""`study stop STUDY`: end a running study as Ctrl-C would; it can be resumed."""

from __future__ import annotations

from typing import Annotated

import typer

from joulefront.cli.options import There


def stop(
    study: Annotated[
        str, typer.Argument(metavar="STUDY", help="Study directory or URI, or the name of a job.")
    ],
    address: There = None,
) -> None:
    """Stop a study that runs; what it has measured stays, and `study resume` goes on."""
    if address is None:
        _request(study)
        return
    from joulefront.launch.jobs import jobs_client, stop_study

    ended = stop_study(jobs_client(address), study)
    for job in ended:
        print(f"{job.submission_id}: {job.status}")
    if not ended:
        print(f"{study}: does not run")


def _request(study: str) -> None:
    """Ask the driver through the store, wherever it runs."""
    from joulefront.store import StudyStore, request_stop

    asked = request_stop(StudyStore.open(study).place)
    print(f"asked {asked} to stop" if asked else f"{study}: does not run")
