"""What several studies of the same question reach at least so often, drawn.

A front differs from seed to seed: one study's is an anecdote, the surfaces here are its quartiles.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from joulefront.errors import StudyError
from joulefront.front import attainment_surfaces
from joulefront.results.configurations import minimised
from joulefront.results.plots import dressed
from joulefront.results.study import Study
from joulefront.results.units import objective_axis

_COLOURS = ("#8d99ae", "#d1495b", "#edae49")


def plot_attainment(
    studies: Sequence[Study], percentiles: Sequence[float] = (25.0, 50.0, 75.0)
) -> go.Figure:
    """Draw which objectives a share of the studies attains, as steps.

    Args:
        studies: At least one, of the same two objectives, such as one study file with several
            seeds.
        percentiles: Of the studies, above 0 and up to 100: a quarter attains the best surface.

    Raises:
        StudyError: There is no study, the objectives differ or are not two, or none has a member.
    """
    kinds = {study.objectives for study in studies}
    if len(kinds) != 1 or len(studies[0].objectives) != 2:
        given = " and ".join(", ".join(o.metric for o in objectives) for objectives in kinds)
        must = "attainment surfaces must be of studies with the same two objectives"
        raise StudyError(must, given=given or "no study", remedy="leave out the others")
    objectives = studies[0].objectives
    fronts = [minimised(study.front(), objectives) for study in studies]
    if not any(map(len, fronts)):
        raise StudyError("a study must have a member of the front", given="none")
    signs = [objective.sign for objective in objectives]
    surfaces = [surface * signs for surface in attainment_surfaces(fronts, percentiles)]
    y, x = (
        objective_axis(
            objective, max((study.front()[objective.metric] for study in studies), key=len)
        )
        for objective in objectives
    )
    figure = go.Figure()
    for index, (percentile, surface) in enumerate(zip(percentiles, surfaces, strict=True)):
        ordered = surface[surface[:, 1].argsort(kind="stable")]
        figure.add_scatter(
            x=ordered[:, 1] * x.factor,
            y=ordered[:, 0] * y.factor,
            mode="lines",
            line={
                "shape": "hv" if objectives[1].sign > 0 else "vh",
                "color": _COLOURS[index % len(_COLOURS)],
            },
            name=f"attained by {percentile:g} % of {len(studies)}",
        )
    figure.update_xaxes(title=x.label, type="log" if x.log else None)
    figure.update_yaxes(title=y.label, type="log" if y.log else None)
    names = ", ".join(dict.fromkeys(study.name for study in studies))
    return dressed(figure, f"{names}: attainment")
