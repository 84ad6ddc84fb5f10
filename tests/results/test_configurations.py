from __future__ import annotations

import math

import pytest

from joulefront.results import Study, front_table


def test_the_front_is_what_is_fully_measured_and_not_dominated(sweep: Study) -> None:
    assert sweep.front()["config_id"].tolist() == ["c1", "c2"]


def test_early_stopped_failed_and_nan_trials_are_never_members(sweep: Study) -> None:
    configurations = sweep.configurations().set_index("config_id")
    for config in ("c4", "c5", "c6"):
        assert not configurations.loc[config, "on_front"]
        assert configurations.loc[config, "replicates"] == 0
        assert not configurations.loc[config, "fully_measured"]


def test_only_configurations_with_every_replicate_compete(make_study) -> None:
    def trial(config: str, fold: int, accuracy: float, state: str = "complete") -> dict:
        return {
            "config": config,
            "fold": fold,
            "balanced_accuracy": accuracy,
            "energy_joules": 10.0,
            "state": state,
        }

    study = make_study(
        [
            trial("all", 0, 0.6),
            trial("all", 1, 0.8),
            trial("one", 0, 0.99),
            trial("failed", 0, 0.99),
            trial("failed", 1, 0.99, state="failed"),
            trial("running", 0, 0.99),
            trial("running", 1, 0.99, state="running"),
        ],
        folds=2,
    )
    front = study.front()
    assert front["config_id"].tolist() == ["all"]
    assert front["replicates"].tolist() == [2]
    assert front["balanced_accuracy"].iloc[0] == pytest.approx(0.7)
    assert front["balanced_accuracy_standard_error"].iloc[0] == pytest.approx(0.1)
    assert front["trial_ids"].iloc[0] == "all-f0-s0 all-f1-s0"


def test_a_repeated_replicate_does_not_stand_for_a_missing_one(make_study) -> None:
    trial = {"config": "c", "fold": 0, "balanced_accuracy": 0.9, "energy_joules": 1.0}
    study = make_study([trial, trial | {"attempt": 2}], folds=2)
    assert study.front().empty


def test_dominance_is_decided_on_means(make_study) -> None:
    values = {"good": (0.5, 0.9), "bad": (0.6, 0.6)}
    study = make_study(
        [
            {"config": config, "fold": fold, "balanced_accuracy": value, "energy_joules": 5.0}
            for config, both in values.items()
            for fold, value in enumerate(both)
        ],
        folds=2,
    )
    assert study.front()["config_id"].tolist() == ["good"]


def test_one_replicate_has_no_standard_error(sweep: Study) -> None:
    assert all(math.isnan(v) for v in sweep.front()["balanced_accuracy_standard_error"])


def test_equal_configurations_are_both_members(make_study) -> None:
    trial = {"balanced_accuracy": 0.9, "energy_joules": 1.0}
    study = make_study([trial | {"config": "c1"}, trial | {"config": "c2"}])
    assert study.front()["config_id"].tolist() == ["c1", "c2"]


def test_joules_measured_in_different_ways_do_not_compete(make_study) -> None:
    study = make_study(
        [
            {"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 9.0},
            {"config": "c2", "balanced_accuracy": 0.6, "energy_joules": 10.0},
            {
                "config": "c3",
                "balanced_accuracy": 0.7,
                "energy_joules": 1.0,
                "provenance": "counter",
            },
        ]
    )
    assert sorted(study.front()["config_id"]) == ["c1", "c2"]
    assert study.provenance() == "cpu=modelled"
    assert "not competing: 1 of the configurations" in front_table(study)


def quality_trial(config: str, accuracy: float, **others) -> dict:
    trial = {"config": config, "balanced_accuracy": accuracy, "energy_joules": 5.0}
    return trial | {"quality": "good"} | others


DEGRADED = {"quality": "degraded", "quality_reasons": "run queue 12%"}


def test_degraded_trials_mark_their_configuration(make_study) -> None:
    study = make_study(
        [
            quality_trial("c1", 0.9, fold=0),
            quality_trial("c1", 0.9, fold=1, **DEGRADED),
            quality_trial("c2", 0.9, fold=0),
            quality_trial("c2", 0.9, fold=1),
            quality_trial("c3", 0.9, fold=0),
            quality_trial("c3", 0.9, fold=1, quality=None),
        ],
        folds=2,
    )
    front = study.front()
    assert front["quality"].tolist() == ["degraded", "good", ""]
    assert front["quality_reasons"].tolist() == ["run queue 12%", "", ""]


def test_strict_quality_keeps_degraded_trials_off_the_front(make_study) -> None:
    study = make_study(
        [quality_trial("c1", 0.9, **DEGRADED), quality_trial("c2", 0.8)],
        section={"quality": "strict"},
    )
    configurations = study.configurations().set_index("config_id")
    assert configurations["fully_measured"].to_dict() == {"c1": False, "c2": True}
    assert study.front()["config_id"].tolist() == ["c2"]
    assert study.trials()["on_front"].tolist() == [False, True]


CLASSES = [
    quality_trial("c1", 0.5, node_class="A"),
    quality_trial("c2", 0.9, node_class="B"),
    quality_trial("c3", 0.6, node_class="A"),
]


def test_joules_of_two_classes_of_nodes_do_not_compete(make_study) -> None:
    study = make_study(CLASSES)
    assert study.front()["config_id"].tolist() == ["c3"]
    assert study.configurations()["competes"].tolist() == [True, False, True]
    told = " ".join(front_table(study).split())
    assert "not competing: 1 of the configurations, which ran on another class of node" in told
    assert "(B: 1) than the front (A)" in told


def test_normalised_joules_of_two_classes_of_nodes_compete(make_study) -> None:
    study = make_study(CLASSES, section={"normalise": "reference"})
    assert study.front()["config_id"].tolist() == ["c2"]


def test_provenance_and_node_class_are_told_apart(make_study) -> None:
    study = make_study([*CLASSES, quality_trial("c4", 0.9, node_class="A", provenance="counter")])
    told = " ".join(front_table(study).split())
    assert "not competing: 1 of the configurations, whose energy was measured" in told
    assert "not competing: 1 of the configurations, which ran" in told


def test_a_shared_gpu_is_part_of_the_signature_and_told(make_study) -> None:
    gpu = {"device": "GPU-1", "component": "gpu", "joules": 1.0, "provenance": "counter"}
    study = make_study(
        [quality_trial("c1", 0.5)],
        energy=[gpu | {"trial_id": "c1-f0-s0", "attempt": 1, "shared": True}],
    )
    assert study.provenance() == "cpu=modelled, gpu=counter (shared)"
    assert "GPU energy is charged by the reserved share" in front_table(study)


def test_provenance_matters_to_energy_objectives_only(make_study) -> None:
    study = make_study(
        [
            {"config": "c1", "accuracy": 0.5, "provenance": "counter"},
            {"config": "c2", "accuracy": 0.6},
        ],
        objectives=[{"metric": "accuracy", "direction": "maximise"}],
    )
    assert study.front()["config_id"].tolist() == ["c2"]


def test_other_metrics_are_averaged_too(make_study) -> None:
    study = make_study(
        [{"config": "c", "balanced_accuracy": 0.5, "energy_joules": 1.0, "test_roc_auc": 0.75}]
    )
    assert study.configurations()["test_roc_auc"].tolist() == [0.75]


def test_a_study_without_trials_has_an_empty_front(make_study) -> None:
    study = make_study([])
    assert study.front().empty
    assert study.trials().empty
    assert study.configurations().empty
    assert study.provenance() == ""


def test_a_study_of_failures_only_has_an_empty_front(make_study) -> None:
    study = make_study([{"config": "c1", "state": "failed", "failure": "boom"}])
    assert study.front().empty
    assert study.trials()["failure"].tolist() == ["boom"]


def replicated(values: dict[str, tuple[float, ...]], joules: float = 5.0) -> list[dict]:
    return [
        {"config": config, "fold": f, "balanced_accuracy": value, "energy_joules": joules + f}
        for config, several in values.items()
        for f, value in enumerate(several)
    ]


def test_intervals_know_that_folds_are_correlated(make_study) -> None:
    values = {"c1": (0.6, 0.8, 0.7), "c2": (0.5, 0.52, 0.61), "c3": (0.4, 0.5, 0.3)}
    configurations = make_study(replicated(values), folds=3).configurations()
    means = configurations["balanced_accuracy"]
    assert means.tolist() == pytest.approx([sum(v) / 3 for v in values.values()])
    reach = (configurations["balanced_accuracy_high"] - means).tolist()
    assert (means - configurations["balanced_accuracy_low"]).tolist() == pytest.approx(reach)
    error = configurations["balanced_accuracy_standard_error"]
    assert (error > 0).all()
    assert all(reach > 1.96 * error)
    assert configurations["membership"].between(0, 1).all()


def test_nothing_is_known_of_single_evaluations(sweep: Study) -> None:
    configurations = sweep.configurations()
    for column in ("balanced_accuracy_low", "energy_joules_high", "membership"):
        assert configurations[column].isna().all()


def test_infeasible_configurations_are_kept_and_not_on_the_front(make_study) -> None:
    trial = {"energy_joules": 5.0}
    study = make_study(
        [
            {"config": "c1", "balanced_accuracy": 0.9, "sensitivity": 0.5, **trial},
            {"config": "c2", "balanced_accuracy": 0.8, "sensitivity": 0.6, **trial},
            {"config": "c3", "balanced_accuracy": 0.95, **trial},
        ],
        constraints=["sensitivity >= 0.6", "energy_joules <= 9"],
    )
    assert study.configurations()["feasible"].tolist() == [False, True, False]
    assert study.configurations()["fully_measured"].all()
    assert study.front()["config_id"].tolist() == ["c2"]
    told = " ".join(front_table(study).split())
    assert "infeasible: 2 of the configurations, kept off the front" in told
    assert "missed sensitivity >= 0.6: 2, energy_joules <= 9: 0" in told


def test_a_constraint_that_nobody_meets_leaves_an_empty_front(make_study) -> None:
    study = make_study(replicated({"c1": (0.5,)}), constraints=["sensitivity >= 0.6"])
    assert study.front().empty
    assert "infeasible: 1 of the configurations" in front_table(study)


def test_a_raced_front_leaves_out_what_is_probably_not_a_member(make_study) -> None:
    lucky = {f"c{i}": (0.70 + i / 1000,) for i in range(8)}
    known = {"good": (0.80, 0.82, 0.78), "fair": (0.60, 0.62, 0.57)}
    study = make_study(replicated(known | lucky), folds=3, allocate="front")
    configurations = study.configurations().set_index("config_id")
    assert configurations["fully_measured"].all()
    assert configurations["replicates"].tolist() == [3, 3, *[1] * 8]
    front = study.front()
    assert "fair" not in set(front["config_id"])
    assert (front["membership"] >= 0.5).all() or len(front) == 1


def test_contributions_belong_to_members_only(make_study) -> None:
    study = make_study(
        [
            {"config": "c1", "balanced_accuracy": 0.9, "energy_joules": 6.0},
            {"config": "c2", "balanced_accuracy": 0.5, "energy_joules": 4.0},
            {"config": "c3", "balanced_accuracy": 0.4, "energy_joules": 7.0},
        ],
        events=[
            {
                "kind": "reference_point",
                "details": {"balanced_accuracy": 0.0, "energy_joules": 10.0},
            }
        ],
    )
    configurations = study.configurations()
    added = configurations["contribution"]
    assert added[:2].tolist() == pytest.approx([4 * 0.4, 2 * 0.5])
    assert math.isnan(added[2])
    assert configurations.attrs["units"]["contribution"] == "J"
    assert study.hypervolume().attrs["reference_point"]["energy_joules"] == 10.0
    assert study.hypervolume()["hypervolume"].iloc[-1] == pytest.approx(4 * 0.9 + 2 * 0.5)
