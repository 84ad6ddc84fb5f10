"""One HTML file with a study's front: it opens anywhere, offline, and can be mailed."""

from __future__ import annotations

import html
import os
import secrets
from pathlib import Path

import pandas as pd

from joulefront.results.configurations import STANDARD_ERROR, parameter_columns
from joulefront.results.plots import plot_front, plot_hypervolume
from joulefront.results.study import Study
from joulefront.results.summary import summarise
from joulefront.results.units import energy_text, number_text, unit_of

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 70rem; margin: 2rem auto; padding: 0 1rem }}
table {{ border-collapse: collapse; font-size: 0.9rem }}
th, td {{ padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd }}
th:first-child, td:first-child {{ text-align: left }}
.wide {{ overflow-x: auto }}
</style>
</head>
<body>
<h1>{name}</h1>
{sections}
</body>
</html>
"""


def write_front_page(study: Study, path: str | Path) -> Path:
    """Write the front, its members, the baselines and the hypervolume as one self-contained page.

    The page brings plotly's script along (about 5 MB) and loads nothing from the network. Its
    sections have the anchors #summary, #front, #members, #baselines and #hypervolume.

    Args:
        study: The study.
        path: The file to write; it is replaced at once or not at all.

    Returns:
        The path written.

    Raises:
        OSError: The file cannot be written.
    """
    path = Path(path)
    sections = [_summary(study)]
    front = plot_front(study).to_html(full_html=False, include_plotlyjs=True, div_id="plot-front")
    sections.append(_section("front", "Front", front))
    sections.append(_section("members", "Members", _table(_members(study))))
    baselines = study.baselines()
    if len(baselines):
        sections.append(_section("baselines", "Baselines on the same folds", _table(baselines)))
    history = plot_hypervolume(study).to_html(
        full_html=False, include_plotlyjs=False, div_id="plot-hypervolume"
    )
    sections.append(_section("hypervolume", "Hypervolume against energy spent", history))
    page = _PAGE.format(name=html.escape(study.name), sections="\n".join(sections))
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(page, encoding="utf-8")
    os.replace(temporary, path)
    return path


def _summary(study: Study) -> str:
    summary = summarise(study)
    states = ", ".join(f"{number} {state}" for state, number in summary.states.items())
    objectives = ", ".join(f"{o.direction} {o.metric}" for o in study.objectives)
    lines = (
        f"{summary.members} members of the front, of {summary.fully_measured} fully measured"
        f" configurations; trials: {states or 'none'}; {summary.phase} {summary.reason}",
        f"Objectives: {objectives}.",
        f"Energy spent on all attempts: {energy_text(summary.energy_joules)}"
        f" ({summary.provenance or 'not recorded'}).",
    )
    return _section("summary", "Summary", "".join(f"<p>{html.escape(t)}</p>" for t in lines))


def _members(study: Study) -> pd.DataFrame:
    front = study.front()
    objectives = [
        column
        for objective in study.objectives
        for column in (objective.metric, objective.metric + STANDARD_ERROR)
    ]
    return front[["config_id", *objectives, "replicates", *parameter_columns(front)]]


def _table(frame: pd.DataFrame) -> str:
    heads = (
        f"{column} ({unit})" if (unit := unit_of(str(column))) != "1" else str(column)
        for column in frame.columns
    )
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(number_text(cell))}</td>" for cell in row) + "</tr>"
        for row in frame.itertuples(index=False, name=None)
    )
    return f'<div class="wide"><table><tr>{head}</tr>{rows}</table></div>'


def _section(anchor: str, title: str, body: str) -> str:
    return f'<section id="{anchor}"><h2>{title}</h2>\n{body}\n</section>'
