"""`study status STUDY`: how far a study has come, what it has cost, and whether it can go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from joulefront.cli.options import StudyPlace, There
from joulefront.cli.piping import write_bytes, write_text

if TYPE_CHECKING:
    from joulefront.results import Study, Summary
    from joulefront.store import Holder


def status(
    study: StudyPlace,
    address: There = None,
) -> None:
    """Show what a study has done, and whether it is finished."""
    if address is not None:
        return _status_there(study, address)
    from joulefront.results import Study, summarise
    from joulefront.store import last_holder, place_of

    opened = Study.open(study)
    summary = summarise(opened)
    driver = last_holder(place_of(study))
    lines = [f"{opened.name}: {_phase(summary, driver)}", _trials(summary)]
    infeasible = f" ({summary.infeasible} infeasible)" if summary.infeasible else ""
    lines.append(
        f"configurations: {summary.configurations} proposed, {summary.fully_measured} fully"
        f" measured{infeasible}, {summary.members} on the front"
    )
    lines += _best(opened)
    lines.append(_energy(summary))
    if summary.last_row_time is not None:
        lines.append(f"last row written {_ago(time.time() - summary.last_row_time)} ago")
    lines += [f"damage: {sentence}" for sentence in opened.damage()]
    write_text("\n".join(lines))


def _status_there(study: str, address: str) -> None:
    """Ask the cluster: its store may be out of reach from here."""
    from joulefront.launch.jobs import jobs_client, status_there

    client = jobs_client(address)
    code = status_there(client, study, lambda text: write_bytes(text.encode()))
    if code:
        raise typer.Exit(code)


def _phase(summary: Summary, driver: Holder | None) -> str:
    if driver is not None and not driver.is_over:
        known = "driven" if driver.is_here else "driven, as far as can be told from here,"
        return f"{known} by {driver}"
    if summary.phase == "finished":
        return f"finished ({summary.end})" if summary.end else "finished"
    if summary.phase == "interrupted":
        return "interrupted; `study resume` goes on from here"
    if driver is not None:
        return f"not finished; {driver} died; `study resume` goes on"
    return "not finished; if it does not run any more, `study resume` goes on"


def _trials(summary: Summary) -> str:
    states = ", ".join(f"{number} {state}" for state, number in summary.states.items())
    requested = "" if summary.trials_requested is None else f" of {summary.trials_requested}"
    return f"trials: {summary.trials_ended}{requested} ended ({states or 'none begun'})"


def _best(study: Study) -> list[str]:
    """The best feasible, fully measured value of each objective, and the configuration's name."""
    from joulefront.results.configurations import STANDARD_ERROR
    from joulefront.results.units import estimate_text, readable

    configurations = study.configurations()
    measured = configurations[configurations["fully_measured"] & configurations["feasible"]]
    lines = []
    for objective in study.objectives if len(measured) else ():
        signed = measured[objective.metric] * objective.sign
        best = measured.iloc[int(signed.to_numpy().argmin())]
        label, factor = readable(objective.metric, abs(best[objective.metric]))
        mean = best[objective.metric] * factor
        error = best[objective.metric + STANDARD_ERROR] * factor
        word = "least" if objective.sign > 0 else "greatest"
        lines.append(f"{word} {label}: {estimate_text(mean, error)} ({best['config_id']})")
    return lines


def _energy(summary: Summary) -> str:
    from joulefront.results.units import energy_text

    shown = {
        name: summary.energy_by_component[name]
        for name in ("idle", "ram")
        if name in summary.energy_by_component
    }
    if summary.search_joules is not None:
        shown["the search itself"] = summary.search_joules
    apart = ", ".join(f"{name} {energy_text(joules)}" for name, joules in shown.items())
    measured = summary.provenance or "not recorded"
    line = f"energy spent: {energy_text(summary.energy_joules)}, {measured}"
    return f"{line}; apart: {apart}" if apart else line


def _ago(seconds: float) -> str:
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"
