"""`study check FILE`: is this study file one that can be launched. Runs nothing."""

from __future__ import annotations

from typing import Annotated

import typer

from joulefront.cli.options import Overrides, StudyFile
from joulefront.spec import Budget, StudySpec, check_study, find_config_fields


def check(
    file: StudyFile,
    set_: Overrides = None,
    deep: Annotated[
        bool, typer.Option("--deep", help="Import the trainable and build its Config too.")
    ] = False,
) -> None:
    """Check a study file and its trainable, in under a second and without a cluster."""
    spec = check_study(file, set_ or (), deep=deep)
    typer.echo(f"{file}: ok: {summary(spec)}")


def summary(spec: StudySpec) -> str:
    """Return a study's size in one line: "3 parameters, 2 objectives, 24 trials"."""
    conditional = sum(parameter.when is not None for parameter in spec.space.values())
    parts = [
        _count(len(spec.space), "parameter")
        + (f" ({conditional} conditional)" * bool(conditional)),
        _count(len(spec.objectives), "objective"),
        *_if_any(len(spec.constraints), "constraint"),
        *_if_any(len(spec.search.enqueue), "enqueued point"),
        *_budget(spec.budget),
    ]
    line = ", ".join(parts)
    if find_config_fields(spec.trainable) is None:
        names = ", ".join([*spec.space, *spec.fixed])
        line += f"; a plain loop without a Config, whose keys are not checked: {names}"
    return line


def _budget(budget: Budget) -> list[str]:
    parts = _if_any(budget.trials or 0, "trial")
    units = {"h": budget.hours, "Wh": budget.energy_wh, "g CO2e": budget.emissions_grams}
    parts += [f"{amount:g} {unit}" for unit, amount in units.items() if amount is not None]
    return parts if budget.plateau is None else [*parts, "until a plateau"]


def _if_any(number: int, noun: str) -> list[str]:
    return [_count(number, noun)] if number else []


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
