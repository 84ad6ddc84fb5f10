"""`study submit FILE`: run a study on a cluster, from a machine outside it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from joulefront.cli.options import DASHBOARD, AcceptChanges, Overrides, Resume
from joulefront.cli.piping import write_bytes
from joulefront.spec import check_study


def submit(
    file: Annotated[Path, typer.Argument(help="The study file, inside the current folder.")],
    address: Annotated[str, typer.Option(help=DASHBOARD)],
    store: Annotated[str, typer.Option(help="Absolute path on the cluster, or a URI.")],
    set_: Overrides = None,
    resume: Resume = False,
    accept_changes: AcceptChanges = False,
    no_wait: Annotated[
        bool, typer.Option("--no-wait", help="Do not follow the log until the study ends.")
    ] = False,
) -> None:
    """Send the current folder and run a study on a cluster; Ctrl-C only stops following it."""
    spec = check_study(file, set_ or ())
    from joulefront.launch.jobs import follow, jobs_client
    from joulefront.launch.reach import reach_notes
    from joulefront.launch.submit import check_store, submit_study

    check_store(store)
    for text in reach_notes(address):
        print(text, file=sys.stderr)
    client = jobs_client(address)
    arguments = [part for value in set_ or () for part in ("--set", value)]
    arguments += ["--resume"] * resume + ["--accept-changes"] * accept_changes
    job = submit_study(client, file, spec, store=store, arguments=arguments)
    again = f"study status {store} --address {address}\nstudy stop {store} --address {address}"
    print(f"submitted as {job}\n{again}", flush=True)
    if no_wait:
        return
    try:
        ended = follow(client, job, lambda piece: write_bytes(piece.encode()))
    except KeyboardInterrupt:
        print(f"\nno longer followed, but it goes on:\n{again}", file=sys.stderr)
        raise typer.Exit(130) from None
    if ended.driver_exit_code == 127:
        print("study: joulefront must be installed on the cluster's head", file=sys.stderr)
        raise typer.Exit(2)
    if ended.status != "SUCCEEDED":
        print(f"study: {job}: {ended.status}: {ended.message}", file=sys.stderr)
        raise typer.Exit(130 if ended.status == "STOPPED" else ended.driver_exit_code or 1)
