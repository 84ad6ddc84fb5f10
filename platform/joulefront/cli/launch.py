"""`study launch FILE`: run a study, or go on with it."""

from __future__ import annotations

import sys
from typing import Annotated, NoReturn

import typer

from joulefront.cli.front import shown
from joulefront.cli.options import AcceptChanges, Address, Listen, Overrides, Resume, StudyFile
from joulefront.cli.piping import write_text
from joulefront.spec import StudySpec, check_study


def launch(
    file: StudyFile,
    store: Annotated[
        str | None, typer.Option(help="Study directory or URI; default results/<name>.")
    ] = None,
    address: Address = None,
    listen: Listen = None,
    set_: Overrides = None,
    resume: Resume = False,
    accept_changes: AcceptChanges = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, in hours and Wh; store nothing.")
    ] = False,
) -> None:
    """Run a study on Ray; end by printing and drawing its front."""
    spec = check_study(file, set_ or (), deep=not dry_run)
    if dry_run:
        from joulefront.launch.estimate import estimate

        print(estimate(spec, store))
        return
    run_study(spec, store, address, listen, resume, accept_changes)


def run_study(
    spec: StudySpec,
    store: str | None,
    address: str | None,
    listen: str | None,
    resume: bool,
    accept_changes: bool,
) -> None:
    """Launch or resume a study, and show what came of it."""
    from rich.console import Console

    from joulefront.launch import LiveTable, PlainLines, launch_study, study_path
    from joulefront.store import StudyStore

    console = Console()
    display = LiveTable(console) if console.is_terminal else PlainLines()
    try:
        outcome = launch_study(
            spec,
            store=store,
            address=address,
            listen=listen,
            resume=resume,
            accept_changes=accept_changes,
            display=display,
        )
    except KeyboardInterrupt:  # before its first trial or after its last
        path = study_path(spec, store)
        _interrupted(path if StudyStore.exists(path) else None)
    _show_front(outcome.path)
    if not outcome.finished:
        _interrupted(outcome.path)
    print(f"finished: {outcome.reason}\nstudy directory: {outcome.path}")


def _interrupted(path: str | None) -> NoReturn:
    then = f"go on with: study resume {path}" if path else "nothing is stored"
    print(f"interrupted; {then}", file=sys.stderr)
    raise typer.Exit(130)


def _show_front(uri: str) -> None:
    from joulefront.results import Study, write_front_page

    study = Study.open(uri)
    write_text(shown(study))
    write_front_page(study, f"{uri}/front.html")
    print(f"interactive: {uri}/front.html")
