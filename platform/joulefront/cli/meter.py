"""`study meter`: what can be measured on this machine, and whether neighbours change a charge."""

from __future__ import annotations

import json
import statistics
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from joulefront.cli.piping import write_file, write_text

if TYPE_CHECKING:
    from joulefront.energy.inventory import Inventory
    from joulefront.energy.self_test import SelfTest

_WIDTH = 80


def meter(
    test: Annotated[
        bool, typer.Option("--test/--no-test", help="Run the self-test, about 10 seconds.")
    ] = True,
    json_: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write all of it as JSON.")
    ] = None,
) -> None:
    """Show the counters and the power model of this machine, and test it with a neighbour."""
    from joulefront.energy.inventory import take_inventory
    from joulefront.energy.self_test import self_test

    inventory = take_inventory()
    write_text(inventory_text(inventory))
    result = None
    if test:
        write_text("\nself-test: fixed work alone, then beside a copy of itself; 10 seconds ...")
        result = self_test(inventory.power_model)
        write_text(self_test_text(result))
    if json_ is not None:
        values: dict[str, Any] = inventory.to_dict()
        values["self_test"] = None if result is None else asdict(result) | {"ratio": result.ratio}
        write_file(json_, (json.dumps(values, indent=1) + "\n").encode())


def inventory_text(inventory: Inventory) -> str:
    """Return what the machine has, in lines of 80 columns."""
    model = inventory.power_model
    lines = _wrapped("node class: ", inventory.node_class)
    lines += ["", "counters"]
    width = max(len(counter.name) for counter in inventory.counters)
    for name, found, note in inventory.counters:
        lines += _wrapped(f"  {name:{width}}  {'yes' if found else 'no':3}  ", note)
    lines += ["", f"power model ({model.provenance}; RAM and idle are constants)"]
    lines.append(f"  CPU   {model.joules_per_cpu_second:.3g} J a CPU-second")
    lines.append(f"  idle  {model.idle_watts_per_core:.3g} W a reserved hardware thread")
    lines.append(f"  RAM   {model.ram_watts_per_gib:.3g} W a GiB")
    lines += _wrapped("  from  ", model.source)
    lines += ["", "tables, read offline"]
    lines.append(f"  CodeCarbon {inventory.codecarbon}: power of CPUs;")
    lines.append(f"  grid intensity of {inventory.countries} countries and regions")
    return "\n".join(lines)


def self_test_text(result: SelfTest) -> str:
    """Return what the self-test found, in lines of 80 columns."""
    where = "on cores {} and {}".format(*result.cores) if result.cores else "not pinned"
    lines = [
        f"  alone             {_joules(result.alone_joules)}",
        f"  beside a copy     {_joules(result.beside_joules)}, {where}",
        f"  ratio of medians  {result.ratio:.3f}",
        f"  charged           {result.basis}",
        *_wrapped("  ", result.verdict),
    ]
    if result.degradations:
        lines += _wrapped("  ", "degraded: " + ", ".join(result.degradations))
    return "\n".join(lines)


def _joules(joules: Sequence[float]) -> str:
    low, high = min(joules), max(joules)
    return f"{statistics.median(joules):.3g} J ({low:.3g} to {high:.3g}, {len(joules)} runs)"


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=head,
        subsequent_indent=" " * len(head),
        break_on_hyphens=False,
    )
