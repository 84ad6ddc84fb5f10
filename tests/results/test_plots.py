from __future__ import annotations

import json

import pytest

from joulefront.errors import StudyError
from joulefront.results import Study, plot_curve, plot_front, plot_hypervolume


def axis_titles(figure) -> tuple[str, str]:
    return figure.layout.xaxis.title.text, figure.layout.yaxis.title.text


def test_the_front_has_units_and_directions_on_its_axes(sweep: Study) -> None:
    figure = plot_front(sweep)
    assert axis_titles(figure) == ("energy (Wh), minimise", "balanced_accuracy, maximise")
    others, members, stopped, steps = figure.data
    assert list(members.x) == pytest.approx([0.2, 0.1])
    assert list(members.y) == [0.9, 0.7]
    assert list(others.y) == [0.65]
    assert list(steps.x) == pytest.approx([0.1, 0.2])
    assert list(stopped.y) == [0.99]
    assert "stopped early" in stopped.name
    assert "cpu=modelled" in figure.layout.title.text


def test_the_pointer_shows_parameters(sweep: Study) -> None:
    members = plot_front(sweep).data[1]
    assert "<b>c1</b>" in members.hovertext[0]
    assert "clusters: 8" in members.hovertext[0]


def test_steps_leave_the_undominated_side_open(make_study) -> None:
    both_maximised = [{"metric": m, "direction": "maximise"} for m in ("accuracy", "samples")]
    study = make_study(
        [{"config": "c1", "accuracy": 1.0, "samples": 2.0}], objectives=both_maximised
    )
    assert plot_front(study).data[-1].line.shape == "vh"


def test_replicates_have_whiskers_over_the_interval(make_study) -> None:
    study = make_study(
        [
            {"config": config, "fold": f, "balanced_accuracy": value, "energy_joules": 3.0 + f}
            for config, values in {"c1": (0.6, 0.8, 0.7), "c2": (0.5, 0.52, 0.61)}.items()
            for f, value in enumerate(values)
        ],
        folds=3,
    )
    members, front = plot_front(study).data[1], study.front()
    reach = front["balanced_accuracy_high"] - front["balanced_accuracy"]
    assert list(members.error_y.array) == pytest.approx(list(reach))
    assert (front["balanced_accuracy"] - front["balanced_accuracy_low"]).tolist() == pytest.approx(
        list(reach)
    )
    assert all(0.3 <= opacity <= 1 for opacity in members.marker.opacity)
    assert axis_titles(plot_front(study))[0] == "energy (J), minimise"


def test_single_evaluations_have_no_whiskers(sweep: Study) -> None:
    assert all(trace.error_y.array is None for trace in plot_front(sweep).data)


def test_infeasible_configurations_have_a_mark_of_their_own(make_study) -> None:
    study = make_study(
        [
            {"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 3.0},
            {"config": "c2", "balanced_accuracy": 0.9, "energy_joules": 1.0},
        ],
        constraints=["energy_joules >= 2"],
    )
    shown = {trace.name: list(trace.y) for trace in plot_front(study).data}
    assert shown["infeasible"] == [0.9]
    assert shown["on the front"] == [0.5]


@pytest.mark.parametrize("count", [1, 3])
def test_other_numbers_of_objectives(make_study, count: int) -> None:
    metrics = ["accuracy", "energy_joules", "latency_seconds"][:count]
    study = make_study(
        [{"config": f"c{i}", **{metric: float(i) for metric in metrics}} for i in (1, 2)],
        objectives=[{"metric": metric, "direction": "minimise"} for metric in metrics],
    )
    figure = plot_front(study)
    assert figure.data[0].type == ("scatter" if count == 1 else "splom")
    json.loads(figure.to_json())


def test_a_curve_has_the_parameter_along_and_the_metric_up(sweep: Study) -> None:
    figure = plot_curve(sweep, "clusters", "energy_joules")
    assert axis_titles(figure) == ("clusters", "energy (Wh)")
    assert figure.layout.xaxis.type == "log"
    assert sorted(x for trace in figure.data for x in trace.x) == [2, 8, 16]


def test_a_curve_of_many_configurations_has_a_marginal_mean(make_study) -> None:
    study = make_study(
        [
            {"config": f"c{i}", "accuracy": 0.5, "params": {"masking_ratio": i / 20}}
            for i in range(12)
        ],
        space={"masking_ratio": {"float": [0.0, 0.8]}},
        objectives=[{"metric": "accuracy", "direction": "maximise"}],
    )
    mean = plot_curve(study, "masking_ratio", "accuracy").data[-1]
    assert mean.name == "marginal mean"
    assert list(mean.x) == pytest.approx([0.025 + 0.1 * i for i in range(6)])
    assert list(mean.y) == [0.5] * 6


def test_a_curve_over_a_choice_is_drawn(make_study) -> None:
    study = make_study(
        [{"config": "c1", "accuracy": 0.5, "params": {"masking": "element"}}],
        space={"masking": {"choice": ["element", "modality"]}},
        objectives=[{"metric": "accuracy", "direction": "maximise"}],
    )
    assert list(plot_curve(study, "masking", "accuracy").data[1].x) == ["element"]


def test_an_unknown_parameter_or_metric_is_answered_with_the_nearest(sweep: Study) -> None:
    with pytest.raises(StudyError, match="nearest valid name: clusters"):
        plot_curve(sweep, "cluster", "energy_joules")
    with pytest.raises(StudyError, match="nearest valid name: balanced_accuracy"):
        plot_curve(sweep, "clusters", "balanced_acuracy")


def test_hypervolume_stands_over_energy_spent(sweep: Study) -> None:
    figure = plot_hypervolume(sweep)
    assert axis_titles(figure) == ("energy spent on all attempts (Wh)", "hypervolume (J)")
    assert list(figure.data[0].x)[-1] == pytest.approx(1740 / 3600)
    assert "energy_joules 756" in figure.layout.title.text


def test_a_study_without_trials_can_be_drawn(make_study) -> None:
    study = make_study([])
    for figure in (plot_front(study), plot_hypervolume(study)):
        json.loads(figure.to_json())
