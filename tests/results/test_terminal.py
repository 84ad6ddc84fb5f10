from __future__ import annotations

import pytest

from joulefront.results import Study, draw_front, front_table, plot_front

MAXIMISE = {"metric": "accuracy", "direction": "maximise"}
MINIMISE = {"metric": "energy_joules", "direction": "minimise"}


def widest(text: str) -> int:
    return max(len(line) for line in text.splitlines())


def test_a_drawing_is_plain_ascii_of_the_asked_size(sweep: Study) -> None:
    drawing = draw_front(sweep, 80, 20)
    assert drawing.isascii()
    assert "\x1b" not in drawing
    assert widest(drawing) <= 80
    assert len(drawing.splitlines()) == 21


def test_a_drawing_shows_members_others_and_axes(sweep: Study) -> None:
    drawing = draw_front(sweep)
    title, *canvas = drawing.splitlines()
    assert "balanced_accuracy, maximise" in title
    assert "energy (Wh), minimise" in canvas[-1]
    marks = "".join(line.partition("|")[2] or line.partition("+")[2] for line in canvas[1:-3])
    assert marks.count("O") == 2
    assert marks.count(".") == 1


def test_drawing_twice_gives_the_same(sweep: Study) -> None:
    assert draw_front(sweep) == draw_front(sweep)


def test_a_single_point_can_be_drawn(make_study) -> None:
    study = make_study([{"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 0.0}])
    assert "O" in draw_front(study).partition("\n")[2]


@pytest.mark.parametrize(("greatest", "log"), [(19.0, False), (35.0, True)])
def test_a_cost_of_a_wide_range_is_drawn_on_a_log_scale(make_study, greatest, log) -> None:
    study = make_study(
        [
            {"config": f"c{i}", "accuracy": 0.5 + i / 10, "energy_joules": joules}
            for i, joules in enumerate([1.0, 6.0, greatest])
        ],
        objectives=[MAXIMISE, MINIMISE],
    )
    title = "energy (J), minimise" + (", log scale" if log else "")
    lines = draw_front(study).splitlines()
    assert lines[-1].strip() == title
    middle = next(line for line in lines[2:] if "O" in line[6:-3])
    assert (middle.index("O") > 40) == log
    figure = plot_front(study)
    assert figure.layout.xaxis.title.text == title
    assert (figure.layout.xaxis.type == "log") == log


def test_one_objective_is_drawn_over_the_proposals(make_study) -> None:
    study = make_study([{"config": "c1", "accuracy": 0.5}], objectives=[MAXIMISE])
    assert "configuration" in draw_front(study)


def test_nothing_measured_is_said_in_a_sentence(make_study) -> None:
    study = make_study([])
    assert draw_front(study) == "nothing to draw: no configuration is fully measured yet"
    assert "0 members" in front_table(study)


@pytest.mark.parametrize("width", [40, 80, 132])
@pytest.mark.parametrize("parameters", [0, 1, 3, 40])
def test_no_line_of_a_table_is_too_wide(make_study, width: int, parameters: int) -> None:
    names = [f"parameter_with_a_long_name_{number}" for number in range(parameters)]
    space = {name: {"choice": ["a", "v" * 90]} for name in names} or None
    study = make_study(
        [
            {
                "config": "c0001",
                "accuracy": 0.123456789,
                "energy_joules": 123456.789,
                "params": {name: "v" * 90 for name in names},
            }
        ],
        space=space,
        objectives=[MAXIMISE, MINIMISE],
        events=[
            {
                "kind": "baselines",
                "details": {"rows": [{"name": "a baseline " * 9, "roc_auc": 0.5, "accuracy": 0.5}]},
            }
        ],
    )
    table = front_table(study, width)
    assert widest(table) <= width
    assert all(name in "".join(table.split()) for name in names)
    assert "0.1235" in table
    assert "34.29" in table


def test_few_parameters_stand_in_columns(sweep: Study) -> None:
    lines = front_table(sweep).splitlines()
    assert any(line.split() == ["c1", "0.9", "0.2", "1", "8"] for line in lines)


def test_a_table_says_what_was_run_and_what_it_cost(sweep: Study) -> None:
    table = front_table(sweep)
    assert "2 members of the front, of 3 fully measured configurations (6 proposed)" in table
    assert "trials: 6 (4 complete, 1 pruned, 1 failed)" in table
    assert "energy spent: 0.4833 Wh (1740 J); provenance: cpu=modelled" in table


def test_emissions_are_told_where_a_country_is_given(make_study) -> None:
    rows = [{"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 7200.0}]
    table = front_table(make_study(rows, country=("TWN", 500.0)))
    assert "emissions: 1 g CO2e at 500 g/kWh (TWN)" in table


def test_members_stand_beside_the_baselines(make_study) -> None:
    study = make_study(
        [{"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 1.0}],
        events=[
            {
                "kind": "predictions",
                "trial_id": "c1-f0-s0",
                "details": {"labels": {"a": 1, "b": 0}, "scores": {"a": 0.9, "b": 0.1}},
            },
            {
                "kind": "baselines",
                "details": {"rows": [{"name": "majority class", "balanced_accuracy": 0.5}]},
            },
        ],
    )
    lines = [line.split() for line in front_table(study).splitlines()]
    assert ["c1", "1.000", "1.000", "1.000", "1.000", "1.000", "2", "1"] in lines
    assert ["majority", "class", "0.500", "-", "-", "-", "-", "-", "-"] in lines


def test_the_table_says_how_sure_it_is_and_what_ended_the_study(make_study) -> None:
    study = make_study(
        [
            {"config": config, "fold": f, "balanced_accuracy": value, "energy_joules": joules + f}
            for config, joules, values in (
                ("c1", 9.0, (0.8, 0.7, 0.9)),
                ("c2", 4.0, (0.5, 0.6, 0.4)),
            )
            for f, value in enumerate(values)
        ],
        folds=3,
        events=[
            {
                "kind": "study_finished",
                "details": {"reason": "2 of 2 proposed", "ended_by": "budget.trials"},
            }
        ],
    )
    table = front_table(study)
    assert "ended by budget.trials: 2 of 2 proposed" in table
    assert "P(front)" in table
    assert "± one standard error" in table
    assert widest(table) <= 80
