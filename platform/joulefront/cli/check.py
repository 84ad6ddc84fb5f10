"""`study check FILE`: is this study file one that can be launched. Runs nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from joulefront.spec import Budget, StudySpec, check_study, find_config_fields


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The study file.")],
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="Override a value; may be repeated."),
    ] = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Import the trainable and build its Config too.")
    ] = False,
) -> None:
    """Check a study file and its trainable, in under a second and without a cluster."""
    spec = check_study(file, set_ or (), deep=deep)
    typer.echo(f"{file}: ok: {summary(spec)}")


def summary(spec: StudySpec) -> str:
    """Return a study's size in one line: "3 parameters, 2 objectives, 24 trials"."""
    parts = [
        _count(len(spec.space), "parameter"),
        _count(len(spec.objectives), "objective"),
        *_budget(spec.budget),
    ]
    line = ", ".join(parts)
    if find_config_fields(spec.trainable) is None:
        names = ", ".join([*spec.space, *spec.fixed])
        line += f"; a plain loop without a Config, whose keys are not checked: {names}"
    return line


def _budget(budget: Budget) -> list[str]:
    parts = [] if budget.trials is None else [_count(budget.trials, "trial")]
    if budget.hours is not None:
        parts.append(f"{budget.hours:g} h")
    if budget.energy_wh is not None:
        parts.append(f"{budget.energy_wh:g} Wh")
    return parts


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
