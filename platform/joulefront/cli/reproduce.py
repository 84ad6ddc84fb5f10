"""`study reproduce STUDY TRIAL`: a trial run again, beside what the study has of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from joulefront.cli.options import StudyPlace, TrialId
from joulefront.cli.piping import write_text

if TYPE_CHECKING:
    from joulefront.launch.reproduce import Figure, Reproduction


def reproduce(
    study: StudyPlace,
    trial: TrialId,
) -> None:
    """Run a trial again, on this machine; exit 1 if a computed metric differs in any bit."""
    from joulefront.launch.display import PlainLines
    from joulefront.launch.reproduce import reproduce_trial

    made = reproduce_trial(study, trial, display=PlainLines())
    write_text(as_text(made))
    if made.differing:
        raise typer.Exit(1)


def as_text(made: Reproduction) -> str:
    """Both sets of figures as a table, and which of them differ."""
    from joulefront.results.text import aligned

    figures = made.figures
    columns = [
        [figure.name for figure in figures],
        [_value(figure.before) for figure in figures],
        [_value(figure.again) for figure in figures],
        [_verdict(figure) for figure in figures],
    ]
    lines = aligned([made.trial_id, "in the study", "again", ""], columns)
    compared = sum(not figure.measured for figure in figures)
    if made.differing:
        lines += ["", f"differs: {', '.join(made.differing)}"]
        lines += [f"may be why: {text}" for text in made.notes]
    else:
        lines += ["", f"all {compared} figures that are not measured agree bit for bit"]
    return "\n".join(lines)


def _value(value: Any) -> str:
    return "-" if value is None else str(value)


def _verdict(figure: Figure) -> str:
    if figure.agrees:
        return "same"
    if not figure.measured:
        return "differs"
    if not figure.before or figure.again is None:
        return "measured"
    return f"{figure.again / figure.before - 1:+.1%}"
