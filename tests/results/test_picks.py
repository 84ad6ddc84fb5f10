from __future__ import annotations

import pytest

from joulefront.errors import StudyError
from joulefront.front import KNEES
from joulefront.results import Study
from joulefront.results.picks import best_under, front_notes, knee, pick_text

FRONT = {"a": (0.90, 7200.0), "b": (0.85, 1800.0), "c": (0.60, 720.0), "worse": (0.5, 9000.0)}


@pytest.fixture
def study(make_study) -> Study:
    return make_study(
        [
            {
                "config": name,
                "balanced_accuracy": accuracy,
                "energy_joules": joules,
                "params": {"clusters": 8},
            }
            for name, (accuracy, joules) in FRONT.items()
        ]
    )


@pytest.mark.parametrize(
    ("wish", "member"),
    [
        ("balanced_accuracy under 5 Wh", "a"),
        ("balanced_accuracy under 2 Wh", "a"),
        ("balanced_accuracy <= 1.9 Wh", "b"),
        ("balanced_accuracy at most 1800 J", "b"),
        ("balanced_accuracy under 1.8kJ", "b"),
        ("balanced_accuracy  where energy_joules under 0.0003 kWh", "c"),
        ("energy_joules over 0.8", "b"),
        ("energy_joules with balanced_accuracy >= 90 %", "a"),
        ("energy_joules at least 6e-1", "c"),
    ],
)
def test_the_best_within_a_limit_is_picked(study: Study, wish: str, member: str) -> None:
    assert best_under(study, wish)["config_id"].tolist() == [member]


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ("balanced_accuracy under 0.1 Wh", r"the least is 0\.2 Wh \(c\)"),
        ("energy_joules over 0.95", r"the greatest is 0\.9 \(a\)"),
        ("balanced_acuracy under 5 Wh", "nearest valid name: balanced_accuracy"),
        ("balanced_accuracy where energy under 5 Wh", "must have the objective; given: energy"),
        ("balanced_accuracy under 5 g", "energy_joules must be in J; given: g"),
        ("balanced_accuracy under 5 mWh", "must be one of J, kJ, Wh"),
        ("balanced_accuracy under 1e Wh", "a limit must be a number; given: 1e"),
        ("the best one", "a wish must be 'METRIC under NUMBER UNIT'"),
    ],
)
def test_a_wish_that_cannot_be_met_says_why(study: Study, wish: str, told: str) -> None:
    with pytest.raises(StudyError, match=told) as error:
        best_under(study, wish)
    assert "\n" not in str(error.value)


def test_the_limited_objective_is_found_by_its_unit_or_must_be_named(make_study) -> None:
    metrics = ("accuracy", "energy_joules", "inference_joules", "latency_seconds")
    study = make_study(
        [{"config": "c1", **dict.fromkeys(metrics, 1.0)}],
        objectives=[{"metric": metric, "direction": "minimise"} for metric in metrics],
    )
    assert len(best_under(study, "accuracy under 2000 ms")) == 1
    with pytest.raises(StudyError, match="must leave no doubt"):
        best_under(study, "accuracy under 5 Wh")
    assert len(best_under(study, "accuracy where inference_joules under 5 Wh")) == 1


def test_each_rule_picks_a_member_and_says_its_name(study: Study) -> None:
    for rule in KNEES:
        chosen = knee(study, rule)
        assert chosen["config_id"].iloc[0] in {"a", "b", "c"}
        assert f"by {rule}" in front_notes(study)[-1]
    with pytest.raises(StudyError, match="given: elbow; valid names: chord, contribution, utopia"):
        knee(study, "elbow")


def test_two_members_have_no_knee_to_speak_of(sweep: Study) -> None:
    assert front_notes(sweep) == []


def test_an_empty_front_has_no_pick(make_study) -> None:
    with pytest.raises(StudyError, match="must have a member"):
        best_under(make_study([]), "balanced_accuracy under 5 Wh")


def test_a_pick_is_described_with_its_rule_and_parameters(study: Study) -> None:
    first, second = pick_text(study, knee(study, "utopia"), "knee by utopia").splitlines()
    assert first == "knee by utopia: b, balanced_accuracy 0.85, energy_joules 0.5 Wh, n = 1"
    assert second.strip() == "clusters=8"
