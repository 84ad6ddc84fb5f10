"""`study bench NAME`: figures that anyone can print on their own machine."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Annotated

import typer

from joulefront.cli.piping import write_file


def bench(
    name: Annotated[
        str, typer.Argument(help="attention, energy, faults, overhead, search or sparsity.")
    ],
    full: Annotated[
        bool, typer.Option("--full", help="The whole campaign, where a bench has a longer one.")
    ] = False,
    json_: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write figures and raw observations."),
    ] = None,
) -> None:
    """Measure, print a table, and write the raw observations."""
    from joulefront.bench import load_bench
    from joulefront.errors import JoulefrontError

    run = load_bench(name)
    if full and "full" not in inspect.signature(run).parameters:
        must, given = "--full must be given to a bench that has a longer campaign", name
        raise JoulefrontError(must, given=given, remedy="take --full away")
    result = run(full=True) if full else run()
    print(result.table)
    if json_ is not None:
        write_file(json_, (json.dumps(result.to_dict(), indent=1) + "\n").encode())
