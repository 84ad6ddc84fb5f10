"""The front as characters: a drawing and a table that fit into a terminal, a log or a mail.

Neither holds colour codes, and the drawing is plain ASCII, so both survive a pipe into a file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from joulefront.results.configurations import STANDARD_ERROR, comparable, parameter_columns
from joulefront.results.study import Study
from joulefront.results.summary import Summary, summarise
from joulefront.results.textgrid import aligned, fits, wrapped
from joulefront.results.units import energy_text, estimate_text, number_text, readable

MEMBER, OTHER = "O", "."
_ASCII = str.maketrans("─│┌┐└┘├┤┬┴┼", "-|+++++++++")
_MINIMUM_SIZE = (40, 8)
_TEST_LABELS = {
    "balanced_accuracy": "balanced",
    "roc_auc": "AUC",
    "accuracy": "accuracy",
    "sensitivity": "sens.",
    "specificity": "spec.",
    "subjects": "subjects",
    "folds": "folds",
}


def draw_front(study: Study, width: int = 80, height: int = 20) -> str:
    """Draw the first two objectives of all fully measured configurations.

    The second objective runs along the horizontal axis, so that the usual pair, quality and
    energy, reads as quality over energy. A single objective is drawn over the order of proposals.

    Args:
        study: The study.
        width: Columns, at least 40.
        height: Lines, at least 8.

    Returns:
        Lines of at most `width` ASCII characters: "O" a member of the front, "." another fully
        measured configuration. One sentence where nothing is fully measured yet.
    """
    configurations = study.configurations()
    shown = configurations[configurations["fully_measured"]]
    if len(shown) == 0:
        return "nothing to draw: no configuration is fully measured yet"
    directions = study.spec.objectives
    vertical = directions[0]
    y_label, y = _axis(shown, vertical.metric)
    if len(directions) > 1:
        x_label, x = _axis(shown, directions[1].metric)
        x_label = f"{x_label}, {directions[1].direction}"
    else:
        x_label, x = "configuration", shown.index.to_numpy(dtype=np.float64)
    title = f"{y_label}, {vertical.direction} (up)   {MEMBER} front   {OTHER} dominated"
    size = (max(width, _MINIMUM_SIZE[0]), max(height, _MINIMUM_SIZE[1]))
    lines = _scatter(x, y, shown["on_front"].to_numpy(dtype=bool), size, x_label)
    return "\n".join(wrapped(title, size[0])) + "\n" + lines


def front_table(study: Study, width: int = 80) -> str:
    """Describe the front: what was run, its members, their test metrics beside the baselines.

    Args:
        study: The study.
        width: Columns that no line exceeds, at least 40. Hyperparameters stand in columns where
            all fit, else under their member, wrapped.
    """
    width = max(width, _MINIMUM_SIZE[0])
    front, summary = study.front(), summarise(study)
    blocks = [_head(study, summary, width)]
    if len(front):
        blocks.append(_members(study, front, width))
    pooled = _beside_baselines(study, front, width)
    if pooled:
        blocks.append(pooled)
    return "\n\n".join("\n".join(block) for block in blocks)


def _axis(frame: pd.DataFrame, metric: str) -> tuple[str, NDArray[np.float64]]:
    values = frame[metric].to_numpy(dtype=np.float64)
    label, factor = readable(metric, float(np.abs(values).max()))
    return label, values * factor


def _scatter(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    members: NDArray[np.bool_],
    size: tuple[int, int],
    x_label: str,
) -> str:
    """Two kinds of points with axes, by plotext, whose one global figure is left clean."""
    import plotext

    figure = plotext.figure
    figure.clear()
    figure.plot_size(*size)
    figure.theme("colorless")
    figure.label(x_label, "x")
    for chosen, marker in ((~members, OTHER), (members, MEMBER)):
        if chosen.any():
            signal = figure.signal(x[chosen].tolist(), y[chosen].tolist(), marker=marker)
            figure.draw(signal)
    text: str = plotext.uncolorize(figure.build().string())
    figure.clear()
    plain = text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
    return "\n".join(line.rstrip() for line in plain.rstrip().splitlines())


def _head(study: Study, summary: Summary, width: int) -> list[str]:
    states = ", ".join(f"{number} {state}" for state, number in summary.states.items())
    objectives = ", ".join(f"{o.direction} {o.metric}" for o in study.objectives)
    measured = f"measured: {summary.provenance}" if summary.provenance else "energy not recorded"
    competing = int(comparable(study.configurations(), study.objectives).sum())
    apart = summary.fully_measured - competing
    counted = "member" if summary.members == 1 else "members"
    sentences = (
        f"{study.name}: {summary.members} {counted} of the front, of {summary.fully_measured} fully"
        f" measured configurations ({summary.configurations} proposed)",
        f"trials: {summary.trials_ended + summary.states.get('running', 0)} ({states or 'none'})",
        f"objectives: {objectives}",
        f"energy spent: {energy_text(summary.energy_joules)}, {measured}",
        f"{apart} configurations do not compete: their energy was measured in another way"
        if apart
        else "",
    )
    return [line for sentence in sentences for line in wrapped(sentence, width)]


def _members(study: Study, front: pd.DataFrame, width: int) -> list[str]:
    """The members as columns where these fit, else with what does not fit wrapped below each."""
    names, values = ["member"], [front["config_id"].astype(str).tolist()]
    for objective in study.objectives:
        label, factor = readable(objective.metric, float(front[objective.metric].abs().max()))
        means = front[objective.metric] * factor
        errors = front[objective.metric + STANDARD_ERROR] * factor
        names.append(label)
        values.append([estimate_text(m, e) for m, e in zip(means, errors, strict=True)])
    names.append("n")
    values.append(front["replicates"].astype(str).tolist())
    parameters = parameter_columns(front)
    parameter_names = [column.removeprefix("params.") for column in parameters]
    parameter_values = [[_parameter(v) for v in front[column]] for column in parameters]
    if fits(names + parameter_names, values + parameter_values, width):
        return aligned(names + parameter_names, values + parameter_values)
    in_columns = len(names)
    while in_columns > 1 and not fits(names[:in_columns], values[:in_columns], width):
        in_columns -= 1
    table = aligned(names[:in_columns], values[:in_columns])
    below_names = names[in_columns:] + parameter_names
    below_values = values[in_columns:] + parameter_values
    lines = wrapped(table[0], width)
    for row, line in enumerate(table[1:]):
        pairs = zip(below_names, below_values, strict=True)
        details = "  ".join(f"{name}={column[row]}" for name, column in pairs)
        lines += wrapped(line, width) + wrapped(details, width, indent=4)
    return lines


def _parameter(value: object) -> str:
    """A hyperparameter; "-" where a condition switched it off. Whole floats lose their ".0"."""
    return number_text(float(value)) if isinstance(value, np.floating) else number_text(value)


def _beside_baselines(study: Study, front: pd.DataFrame, width: int) -> list[str]:
    """Test metrics of the members and of the baselines on the same folds, if there are any."""
    baselines = study.baselines().to_dict("records")
    rows = list(_pooled_members(study, front))
    rows += [{str(name): value for name, value in row.items()} for row in baselines]
    shown = [name for name in _TEST_LABELS if any(name in row for row in rows)]
    if not shown:
        return []
    labels = [_TEST_LABELS[name] for name in shown]
    numbers = [[_metric(row.get(name)) for row in rows] for name in shown]
    others = max(map(len, aligned(["", *labels], [[""] * len(rows), *numbers])))
    cells: list[list[str]] = [[] for _ in ("", *shown)]
    for index, row in enumerate(rows):
        name_lines = wrapped(str(row.get("name", "baseline")), max(width - others, 16))
        blanks = [""] * (len(name_lines) - 1)
        cells[0] += name_lines
        for column, values in zip(cells[1:], numbers, strict=True):
            column += [values[index], *blanks]
    title = "test side, pooled over the outer folds, unseen by the search:"
    table = aligned(["", *labels], cells)
    return [piece for line in (title, *table) for piece in wrapped(line, width)]


def _metric(value: object) -> str:
    return (
        f"{value:.3f}" if isinstance(value, float) and math.isfinite(value) else number_text(value)
    )


def _pooled_members(study: Study, front: pd.DataFrame) -> Iterator[dict[str, Any]]:
    for config_id in front["config_id"]:
        metrics = study.out_of_fold(config_id)
        if metrics["subjects"]:
            yield {"name": config_id, **metrics}
