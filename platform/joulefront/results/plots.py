"""The front, a parameter's curve and the hypervolume as plotly figures.

The figures hold their data and nothing from the network. Energy is drawn in watt-hours or joules,
whichever reads better; the axis says which.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from joulefront.errors import StudyError
from joulefront.results.configurations import STANDARD_ERROR, metric_columns, parameter_columns
from joulefront.results.study import Study
from joulefront.results.units import number_text, readable
from joulefront.spec import Float, Int, Objective
from joulefront.spec.nearest import remedy

MEMBER_COLOUR, OTHER_COLOUR, LINE_COLOUR = "#d1495b", "#8d99ae", "#edae49"
_BINS = 6
_ENOUGH_FOR_BINS = 12


def plot_front(study: Study) -> go.Figure:
    """Draw all fully measured configurations, the front's members apart.

    Two objectives give a scatter plot with the second along the horizontal axis, whiskers of one
    standard error where there are replicates, and the steps between what is dominated and what is
    not; one objective is drawn over the order of proposals; three and more give a scatter matrix.
    """
    configurations = study.configurations()
    shown = configurations[configurations["fully_measured"]]
    if len(study.objectives) > 2:
        figure = _matrix(shown, study.objectives)
    else:
        figure = _scatter(shown, study.objectives)
    return _dressed(figure, f"{study.name}: front ({study.provenance() or 'energy not recorded'})")


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
    column = f"params.{parameter}"
    label, factor = readable(metric, shown[metric].abs().max())
    figure = go.Figure()
    for name, part, colour in _parts(shown):
        figure.add_scatter(
            x=part[column],
            y=part[metric] * factor,
            error_y=_whiskers(part, metric, factor),
            mode="markers",
            marker={"color": colour, "size": 9},
            name=name,
            hovertext=_descriptions(part, study.objectives),
            hoverinfo="text",
        )
    searched = study.spec.space.get(parameter)
    if isinstance(searched, (Float, Int)):
        _add_marginal_means(figure, shown[column], shown[metric] * factor, log=searched.log)
        figure.update_xaxes(type="log" if searched.log else "linear")
    figure.update_xaxes(title=parameter).update_yaxes(title=label)
    return _dressed(figure, f"{study.name}: {metric} over {parameter}")


def plot_hypervolume(study: Study) -> go.Figure:
    """Draw the hypervolume over the energy spent on all attempts, one step a trial."""
    history = study.hypervolume()
    spent_label, factor = readable("energy_joules", history["energy_joules"].max())
    reference = ", ".join(
        f"{metric} {number_text(value)}" for metric, value in study.reference_point().items()
    )
    figure = go.Figure()
    figure.add_scatter(
        x=history["energy_joules"] * factor,
        y=history["hypervolume"],
        mode="lines+markers",
        line={"shape": "hv", "color": MEMBER_COLOUR},
        marker={"size": 5},
        name="hypervolume",
        hovertext=[
            f"after {row.trials} trials ({row.trial_id}, {row.state})"
            for row in history.itertuples()
        ],
        hoverinfo="x+y+text",
    )
    unit = history.attrs["units"]["hypervolume"]
    figure.update_xaxes(title=spent_label.replace("energy", "energy spent on all attempts"))
    figure.update_yaxes(title="hypervolume" if unit == "1" else f"hypervolume ({unit})")
    return _dressed(figure, f"{study.name}: hypervolume from ({reference})")


def _scatter(shown: pd.DataFrame, objectives: Sequence[Objective]) -> go.Figure:
    vertical = objectives[0].metric
    y_label, y_factor = readable(vertical, shown[vertical].abs().max())
    figure = go.Figure()
    x_label = "configuration, in the order proposed"
    for name, part, colour in _parts(shown):
        if len(objectives) > 1:
            metric = objectives[1].metric
            label, x_factor = readable(metric, shown[metric].abs().max())
            x_label = f"{label}, {objectives[1].direction}"
            x, x_error = part[metric] * x_factor, _whiskers(part, metric, x_factor)
        else:
            x, x_error = pd.Series(part.index), None
        figure.add_scatter(
            x=x,
            y=part[vertical] * y_factor,
            error_x=x_error,
            error_y=_whiskers(part, vertical, y_factor),
            mode="markers",
            marker={"color": colour, "size": 10},
            name=name,
            hovertext=_descriptions(part, objectives),
            hoverinfo="text",
        )
    if len(objectives) > 1:
        _add_steps(figure, shown[shown["on_front"]], objectives, (x_factor, y_factor))
    figure.update_xaxes(title=x_label)
    figure.update_yaxes(title=f"{y_label}, {objectives[0].direction}")
    return figure


def _matrix(shown: pd.DataFrame, objectives: Sequence[Objective]) -> go.Figure:
    axes = {o.metric: readable(o.metric, shown[o.metric].abs().max()) for o in objectives}
    figure = go.Figure()
    for name, part, colour in _parts(shown):
        figure.add_splom(
            dimensions=[
                {"label": f"{label}, {o.direction}", "values": part[o.metric] * factor}
                for o, (label, factor) in zip(objectives, axes.values(), strict=True)
            ],
            marker={"color": colour, "size": 7},
            diagonal={"visible": False},
            name=name,
            text=_descriptions(part, objectives),
            hoverinfo="text",
        )
    return figure


def _add_steps(
    figure: go.Figure,
    members: pd.DataFrame,
    objectives: Sequence[Objective],
    factors: tuple[float, float],
) -> None:
    """Join the members by the corner that each pair leaves undominated."""
    ordered = members.sort_values([objectives[1].metric, objectives[0].metric])
    figure.add_scatter(
        x=ordered[objectives[1].metric] * factors[0],
        y=ordered[objectives[0].metric] * factors[1],
        mode="lines",
        line={"shape": "hv" if objectives[1].sign > 0 else "vh", "color": LINE_COLOUR},
        name="front",
        hoverinfo="skip",
        showlegend=False,
    )


def _add_marginal_means(
    figure: go.Figure, x: pd.Series[float], y: pd.Series[float], *, log: bool
) -> None:
    if len(x) < _ENOUGH_FOR_BINS or x.nunique() < 3:
        return
    scaled = np.log(x) if log else x
    parts = pd.cut(scaled, bins=min(_BINS, x.nunique()), labels=False)
    figure.add_scatter(
        x=x.groupby(parts).mean(),
        y=y.groupby(parts).mean(),
        mode="lines",
        line={"color": LINE_COLOUR},
        name="marginal mean",
    )


def _parts(shown: pd.DataFrame) -> list[tuple[str, pd.DataFrame, str]]:
    members = shown["on_front"]
    return [
        ("fully measured", shown[~members], OTHER_COLOUR),
        ("on the front", shown[members], MEMBER_COLOUR),
    ]


def _whiskers(part: pd.DataFrame, metric: str, factor: float) -> dict[str, object] | None:
    """One standard error each way, or nothing where no configuration has replicates."""
    errors = part.get(metric + STANDARD_ERROR)
    if errors is None or errors.isna().all():
        return None
    return {"type": "data", "array": errors * factor, "thickness": 1}


def _descriptions(part: pd.DataFrame, objectives: Sequence[Objective]) -> list[str]:
    """What the pointer shows of each configuration: its objectives, then its parameters."""
    columns = [(o.metric, o.metric) for o in objectives]
    columns += [(c.removeprefix("params."), c) for c in parameter_columns(part)]
    texts = {column: part[column].map(number_text) for _, column in columns}
    return [
        f"<b>{config_id}</b>, n = {replicates}<br>"
        + "<br>".join(f"{label}: {texts[column].iloc[row]}" for label, column in columns)
        for row, (config_id, replicates) in enumerate(
            zip(part["config_id"], part["replicates"], strict=True)
        )
    ]


def _check_known(study: Study, name: str, known: Sequence[str], kind: str) -> None:
    if name not in known:
        raise StudyError(
            f"{study.path} must have the {kind}", given=name, remedy=remedy(name, known)
        )


def _dressed(figure: go.Figure, title: str) -> go.Figure:
    figure.update_layout(
        title=title,
        template="plotly_white",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1, "xanchor": "right"},
        margin={"l": 70, "r": 30, "t": 80, "b": 60},
    )
    return figure
