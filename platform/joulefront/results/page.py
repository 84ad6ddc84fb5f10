"""One HTML file with a study's front: it opens anywhere, offline, and can be mailed."""

from __future__ import annotations

import html
import os

import pandas as pd

from joulefront.results.configurations import HIGH, LOW, parameter_columns
from joulefront.results.picks import front_notes
from joulefront.results.plots import plot_front, plot_hypervolume
from joulefront.results.study import Study
from joulefront.results.summary import degraded_note, headlines, member_columns
from joulefront.results.units import number_text, readable, unit_of
from joulefront.store import place_of

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 70rem; margin: 2rem auto; padding: 0 1rem }}
section {{ overflow-x: auto }}
table {{ border-collapse: collapse; font-size: 0.9rem }}
th, td {{ padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd }}
th:first-child, td:first-child {{ text-align: left }}
#members td {{ white-space: nowrap }}
</style>
</head>
<body>
<h1>{name}</h1>
{sections}
</body>
</html>
"""


def write_front_page(study: Study, path: str | os.PathLike[str]) -> None:
    """Write the front, its members, the baselines and the hypervolume as one self-contained page.

    The page brings plotly's script along (about 5 MB) and loads nothing from the network. Its
    sections have the anchors #summary, #front, #members, #baselines and #hypervolume. The file is
    replaced at once or not at all.

    Args:
        study: To show.
        path: Of the page, or its URI in an object store.

    Raises:
        StoreWriteError: The page cannot be written.
    """
    front, baselines = study.front(), study.baselines()
    members = pd.DataFrame(member_columns(study, front))
    for objective in study.objectives:
        if front[objective.metric + LOW].notna().any():
            label, factor = readable(objective.metric, front[objective.metric].abs().max())
            bounds = (front[objective.metric + end] * factor for end in (LOW, HIGH))
            members[f"{label}, 95 %"] = [
                " to ".join(number_text(bound, 3) for bound in both)
                for both in zip(*bounds, strict=True)
            ]
    members["adds to hypervolume"] = front["contribution"]
    parameters = front[parameter_columns(front)]
    members = members.join(parameters.rename(columns=lambda name: name.removeprefix("params.")))
    notes = _paragraphs([*front_notes(study), degraded_note(front)])
    figures = plot_front(study), plot_hypervolume(study)
    drawn, history = (
        figure.to_html(full_html=False, include_plotlyjs=figure is figures[0], div_id=name)
        for figure, name in zip(figures, ("plot-front", "plot-hypervolume"), strict=True)
    )
    sections = [
        ("summary", "Summary", _paragraphs(headlines(study))),
        ("front", "Front", drawn),
        ("members", "Members", _table(members) + notes),
        *([("baselines", "Baselines on the same folds", _table(baselines))] * bool(len(baselines))),
        ("hypervolume", "Hypervolume against energy spent", history),
    ]
    bodies = (
        f'<section id="{anchor}"><h2>{title}</h2>\n{body}\n</section>'
        for anchor, title, body in sections
    )
    page = _PAGE.format(name=html.escape(study.name), sections="\n".join(bodies))
    folder, name = os.path.split(path)
    place_of(folder).publish(name, page.encode())


def _paragraphs(sentences: list[str]) -> str:
    return "".join(f"<p>{html.escape(sentence)}</p>" for sentence in sentences if sentence)


def _table(frame: pd.DataFrame) -> str:
    units = {column: unit_of(str(column)) for column in frame.columns}
    named = frame.map(number_text).rename(
        columns=lambda column: column if units[column] == "1" else f"{column} ({units[column]})"
    )
    text: str = named.to_html(index=False, border=0)
    return text
