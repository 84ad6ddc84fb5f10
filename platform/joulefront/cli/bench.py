"""`study bench NAME`: figures that anyone can print on their own machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def bench(
    name: Annotated[str, typer.Argument(help="attention, energy, overhead or sparsity.")],
    json_: Annotated[
        Path | None,
        typer.Option("--json", metavar="FILE", help="Write figures and raw observations."),
    ] = None,
) -> None:
    """Measure, print a table, and write the raw observations."""
    from joulefront.bench import load_bench

    result = load_bench(name)()
    print(result.table)
    if json_ is not None:
        json_.write_text(json.dumps(result.to_dict(), indent=1) + "\n", encoding="utf-8")
