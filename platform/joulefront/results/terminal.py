"""The front as characters: a drawing and a table that fit into a terminal, a log or a mail.

Neither holds colour codes, and the drawing is plain ASCII, so both survive a pipe into a file.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from joulefront.results.configurations import parameter_columns
from joulefront.results.picks import front_notes
from joulefront.results.study import Study
from joulefront.results.summary import degraded_note, headlines, member_columns
from joulefront.results.text import aligned, wrapped
from joulefront.results.units import Axis, number_text, objective_axis

_MEMBER, _OTHER = "O", "."
_ASCII = str.maketrans("─│┌┐└┘├┤┬┴┼", "-|+++++++++")
_LEAST_WIDTH, _LEAST_HEIGHT = 40, 8
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
    energy, reads as quality over energy; a cost that spans more than a factor of 20 has a
    logarithmic axis. A single objective is drawn over the order of proposals.

    Args:
        study: The study.
        width: Columns, at least 40.
        height: Lines, at least 8.

    Returns:
        Lines of at most `width` ASCII characters: "O" a member of the front, "." another fully
        measured configuration. One sentence where nothing is fully measured yet.
    """
    configurations = study.configurations()
    shown = configurations[configurations["fully_measured"]].assign(order=lambda f: f.index)
    if len(shown) == 0:
        return "nothing to draw: no configuration is fully measured yet"
    y, x, *_ = [
        *(objective_axis(o, shown[o.metric]) for o in study.objectives[:2]),
        Axis("order", "configuration"),
    ]
    size = (max(width, _LEAST_WIDTH), max(height, _LEAST_HEIGHT))
    title = f"{y.label} (up)   {_MEMBER} front   {_OTHER} others"
    return "\n".join([*wrapped(title, size[0]), *_scatter(shown, x, y, size)])


def _scatter(shown: pd.DataFrame, x: Axis, y: Axis, size: tuple[int, int]) -> list[str]:
    """Two kinds of points with axes, by plotext, whose one global figure is left clean."""
    import plotext

    figure = plotext.figure
    figure.clear()
    figure.plot_size(*size)
    figure.theme("colorless")
    figure.label(x.label, "x")
    for name, axis in (("x", x), ("y", y)):
        if axis.log:
            figure.ruler(name).scale("log")
    for member, marker in ((False, _OTHER), (True, _MEMBER)):
        part = shown[shown["on_front"] == member]
        if len(part):
            points = (axis.scaled(part).astype(float).tolist() for axis in (x, y))
            figure.draw(figure.signal(*points, marker=marker))
    text: str = plotext.uncolorize(figure.build().string())
    figure.clear()
    plain = text.translate(_ASCII).encode("ascii", "replace").decode("ascii")
    return [line.rstrip() for line in plain.rstrip().splitlines()]


def front_table(study: Study, width: int = 80) -> str:
    """Describe the front: what was run, its members, their test metrics beside the baselines.

    Args:
        study: The study.
        width: Columns that no line exceeds, at least 40. Hyperparameters stand in columns where
            all fit, else under their member, wrapped.
    """
    width = max(width, _LEAST_WIDTH)
    front = study.front()
    head = [line for sentence in headlines(study) for line in wrapped(sentence, width)]
    members = _members(study, front, width) if len(front) else []
    blocks = (head, members, _beside_baselines(study, front, width))
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _members(study: Study, front: pd.DataFrame, width: int) -> list[str]:
    """The members as columns where these fit, else with their parameters wrapped below each."""
    columns = member_columns(study, front)
    parameters = {
        column.removeprefix("params."): front[column].map(number_text).tolist()
        for column in parameter_columns(front)
    }
    sentences = (*front_notes(study), degraded_note(front))
    note = [line for sentence in sentences for line in wrapped(sentence, width)]
    whole = aligned([*columns, *parameters], [*columns.values(), *parameters.values()])
    if max(map(len, whole)) <= width:
        return whole + note
    head, *rows = aligned([*columns], [*columns.values()])
    lines = wrapped(head, width)
    for row, line in enumerate(rows):
        details = "  ".join(
            f"{name}={values[row]}" for name, values in parameters.items() if values[row] != "-"
        )
        lines += wrapped(line, width) + wrapped(details, width, indent=4)
    return lines + note


def _beside_baselines(study: Study, front: pd.DataFrame, width: int) -> list[str]:
    """Test metrics of the members and of the baselines on the same folds, if there are any."""
    pooled = ({"name": name, **study.out_of_fold(name)} for name in front["config_id"])
    rows: list[dict[Any, Any]] = [row for row in pooled if row["subjects"]]
    rows += study.baselines().to_dict("records")
    shown = [name for name in _TEST_LABELS if any(name in row for row in rows)]
    if not shown:
        return []
    labels = ["", *(_TEST_LABELS[name] for name in shown)]
    numbers = [[_metric(row.get(name)) for name in shown] for row in rows]
    columns = list(zip(*numbers, strict=True))
    others = len(aligned(labels, [[""] * len(rows), *columns])[0])
    lines: list[tuple[str, ...]] = []
    for row, values in zip(rows, numbers, strict=True):
        first, *more = wrapped(str(row.get("name", "baseline")), max(width - others, 16))
        lines += [(first, *values), *((line, *[""] * len(shown)) for line in more)]
    title = "test side, pooled over the outer folds, unseen by the search:"
    table = aligned(labels, list(zip(*lines, strict=True)))
    return [piece for line in (title, *table) for piece in wrapped(line, width)]


def _metric(value: object) -> str:
    finite = isinstance(value, float) and math.isfinite(value)
    return f"{value:.3f}" if finite else number_text(value)
