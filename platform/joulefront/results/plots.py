"""The front, a parameter's curve and the hypervolume as plotly figures.

The figures hold their data and nothing from the network. Energy is drawn in watt-hours or joules,
whichever reads better; the axis says which, and whether it is logarithmic.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from joulefront.errors import StudyError
from joulefront.results.configurations import HIGH, metric_columns, parameter_columns
from joulefront.results.study import Study
from joulefront.results.units import Axis, number_text, objective_axis, readable
from joulefront.spec import Float, Int, Objective
from joulefront.spec.nearest import remedy

_MEMBER_COLOUR, _OTHER_COLOUR, _LINE_COLOUR = "#d1495b", "#8d99ae", "#edae49"
_FAINT_COLOUR = "rgba(141, 153, 174, 0.2)"  # of the whiskers of those beside the front
_INFEASIBLE, _STOPPED = "infeasible", "stopped early, as far as it came"
_FAINTEST = 0.3  # opacity of a member with probability 0
_BINS = 6
_ENOUGH_FOR_BINS = 12


def plot_front(study: Study) -> go.Figure:
    """Draw all fully measured configurations, the front's members apart.

    Two objectives give a scatter plot with the second along the horizontal axis, whiskers over the
    95 % intervals where they are known, and the steps between what is dominated and what is not;
    one objective is drawn over the order of proposals; three and more give a scatter matrix. The
    less probable a member is, the fainter it is. Infeasible configurations and trials that were
    stopped early have marks of their own. A cost that spans more than a factor of 20 has a
    logarithmic axis.
    """
    configurations, objectives = study.configurations(), study.objectives
    shown = configurations[configurations["fully_measured"]].assign(order=lambda f: f.index)
    axes = [objective_axis(objective, shown[objective.metric]) for objective in objectives]
    if len(axes) > 2:
        figure = _matrix(shown, objectives, axes)
    elif len(axes) == 1:
        order = Axis("order", "configuration, in the order proposed")
        figure = _scatter(shown, objectives, order, axes[0])
    else:
        figure = _scatter(shown, objectives, axes[1], axes[0])
        _add_stopped(figure, study, axes[1], axes[0])
        members = shown[shown["on_front"]].sort_values([axes[1].column, axes[0].column])
        figure.add_scatter(
            x=axes[1].scaled(members),
            y=axes[0].scaled(members),
            mode="lines",
            line={"shape": "hv" if objectives[1].sign > 0 else "vh", "color": _LINE_COLOUR},
            name="front",
            hoverinfo="skip",
            showlegend=False,
        )
    return dressed(figure, f"{study.name}: front ({study.provenance() or 'energy not recorded'})")


def plot_curve(study: Study, parameter: str, metric: str) -> go.Figure:
    """Draw a metric over a hyperparameter, one point a fully measured configuration.

    From 12 configurations on, a line joins the means of equally wide parts of the range (in the
    logarithm for a parameter searched so). The other parameters vary too: the line is a marginal
    mean over what the search tried, not an effect.

    Args:
        study: The study.
        parameter: Name of a hyperparameter, without "params.".
        metric: Name of a numeric column of `study.configurations()`.

    Raises:
        StudyError: The study has no such parameter or metric.
    """
    configurations = study.configurations()
    parameters = [c.removeprefix("params.") for c in parameter_columns(configurations)]
    _check_known(study, parameter, parameters, "parameter")
    _check_known(study, metric, metric_columns(configurations), "metric")
    shown = configurations[configurations["fully_measured"]].dropna(subset=[metric])
    searched = study.spec.space.get(parameter)
    numeric = isinstance(searched, (Float, Int))
    x = Axis(f"params.{parameter}", parameter, log=getattr(searched, "log", False))
    y = Axis(metric, *readable(metric, shown[metric].abs().max()))
    figure = _scatter(shown, study.objectives, x, y)
    if numeric and len(shown) >= _ENOUGH_FOR_BINS and shown[x.column].nunique() > 2:
        scaled = np.log(shown[x.column]) if x.log else shown[x.column]
        parts = pd.cut(scaled, bins=min(_BINS, scaled.nunique()), labels=False)
        figure.add_scatter(
            x=x.scaled(shown).groupby(parts).mean(),
            y=y.scaled(shown).groupby(parts).mean(),
            mode="lines",
            line={"color": _LINE_COLOUR},
            name="marginal mean",
        )
    return dressed(figure, f"{study.name}: {metric} over {parameter}")


def plot_hypervolume(study: Study) -> go.Figure:
    """Draw the hypervolume over the energy spent on all attempts, one step a trial."""
    history = study.hypervolume()
    label, factor = readable("energy_joules", history["energy_joules"].max())
    figure = go.Figure()
    figure.add_scatter(
        x=history["energy_joules"] * factor,
        y=history["hypervolume"],
        mode="lines+markers",
        line={"shape": "hv", "color": _MEMBER_COLOUR},
        marker={"size": 5},
        name="hypervolume",
        hovertext=[
            f"after {row.trials} trials ({row.trial_id}, {row.state})"
            for row in history.itertuples()
        ],
        hoverinfo="x+y+text",
    )
    unit = history.attrs["units"]["hypervolume"]
    figure.update_xaxes(title=label.replace("energy", "energy spent on all attempts"))
    figure.update_yaxes(title="hypervolume" if unit == "1" else f"hypervolume ({unit})")
    reference = history.attrs["reference_point"].items()
    corner = ", ".join(f"{metric} {number_text(value)}" for metric, value in reference)
    return dressed(figure, f"{study.name}: hypervolume from ({corner})")


def _scatter(shown: pd.DataFrame, objectives: Sequence[Objective], x: Axis, y: Axis) -> go.Figure:
    figure = go.Figure()
    for name, part, marker in _parts(shown):
        figure.add_scatter(
            x=x.scaled(part),
            y=y.scaled(part),
            error_x=_whiskers(part, x, marker["color"]),
            error_y=_whiskers(part, y, marker["color"]),
            mode="markers",
            marker=marker | {"size": 10},
            name=name,
            hovertext=_descriptions(part, objectives),
            hoverinfo="text",
        )
    figure.update_xaxes(title=x.label, type="log" if x.log else None)
    figure.update_yaxes(title=y.label, type="log" if y.log else None)
    return figure


def _matrix(
    shown: pd.DataFrame, objectives: Sequence[Objective], axes: Sequence[Axis]
) -> go.Figure:
    figure = go.Figure()
    for name, part, marker in _parts(shown):
        figure.add_splom(
            dimensions=[
                {"label": axis.label, "values": axis.scaled(part)}
                | ({"axis": {"type": "log"}} if axis.log else {})
                for axis in axes
            ],
            marker=marker | {"size": 7},
            diagonal={"visible": False},
            name=name,
            text=_descriptions(part, objectives),
            hoverinfo="text",
        )
    return figure


def _add_stopped(figure: go.Figure, study: Study, x: Axis, y: Axis) -> None:
    """Mark where the trials that a rule ended had come to, if any did."""
    trials = study.trials()
    if not {x.column, y.column} <= set(trials.columns):
        return
    pruned = trials[trials["state"] == "pruned"].dropna(subset=[x.column, y.column])
    if len(pruned):
        figure.add_scatter(
            x=x.scaled(pruned),
            y=y.scaled(pruned),
            mode="markers",
            marker={"color": _OTHER_COLOUR, "size": 7, "symbol": "x-thin-open"},
            name=_STOPPED,
            hovertext=pruned["trial_id"],
            hoverinfo="text",
        )


def _parts(shown: pd.DataFrame) -> list[tuple[str, pd.DataFrame, dict[str, object]]]:
    members, feasible = shown["on_front"], shown["feasible"]
    opacity = _FAINTEST + (1 - _FAINTEST) * shown.loc[members, "membership"].fillna(1.0)
    parts: list[tuple[str, pd.DataFrame, dict[str, object]]] = [
        ("fully measured", shown[~members & feasible], {"color": _OTHER_COLOUR}),
        ("on the front", shown[members], {"color": _MEMBER_COLOUR, "opacity": opacity}),
    ]
    if not feasible.all():
        marker: dict[str, object] = {"color": _OTHER_COLOUR, "symbol": "triangle-down-open"}
        parts.append((_INFEASIBLE, shown[~feasible], marker))
    return parts


def _whiskers(part: pd.DataFrame, axis: Axis, colour: object) -> dict[str, object] | None:
    """The 95 % interval, faint but for members; nothing where none is known."""
    high = part.get(axis.column + HIGH)
    if high is None or high.isna().all():
        return None
    reach = (high - part[axis.column]) * axis.factor
    shade = colour if colour == _MEMBER_COLOUR else _FAINT_COLOUR
    return {"type": "data", "array": reach, "thickness": 1, "width": 0, "color": shade}


def _descriptions(part: pd.DataFrame, objectives: Sequence[Objective]) -> list[str]:
    """What the pointer shows of each configuration: its objectives, then its parameters."""
    columns = [*(objective.metric for objective in objectives), *parameter_columns(part)]
    return [
        f"<b>{row['config_id']}</b>, n = {row['replicates']}, "
        f"P(front) = {number_text(row['membership'], 2)}<br>"
        + "<br>".join(f"{c.removeprefix('params.')}: {number_text(row[c])}" for c in columns)
        for row in part.to_dict("records")
    ]


def _check_known(study: Study, name: str, known: Sequence[str], kind: str) -> None:
    if name not in known:
        raise StudyError(
            f"{study.path} must have the {kind}", given=name, remedy=remedy(name, known)
        )


def dressed(figure: go.Figure, title: str) -> go.Figure:
    """Give a figure the title, legend and margins that all figures here have."""
    figure.update_layout(
        title=title,
        template="plotly_white",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        margin={"l": 70, "r": 30, "t": 80, "b": 60},
    )
    return figure
