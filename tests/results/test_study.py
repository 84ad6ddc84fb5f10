from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from joulefront.errors import StudyError
from joulefront.results import Study


def test_frames_carry_units_and_directions(sweep: Study) -> None:
    front = sweep.front()
    assert front.attrs["units"]["energy_joules"] == "J"
    assert front.attrs["units"]["energy_joules_standard_error"] == "J"
    assert front.attrs["units"]["balanced_accuracy"] == "1"
    directions = {"balanced_accuracy": "maximise", "energy_joules": "minimise"}
    for frame in (front, sweep.trials(), sweep.energy(), sweep.reports(), sweep.events()):
        assert frame.attrs["directions"] == directions
        assert set(frame.attrs["units"]) == set(frame.columns)


def test_trials_are_one_row_each_with_on_front_filled_in(sweep: Study) -> None:
    trials = sweep.trials().set_index("config_id")
    assert trials["on_front"].to_dict() == {
        "c1": True,
        "c2": True,
        "c3": False,
        "c4": False,
        "c5": False,
        "c6": False,
    }
    assert trials["params.clusters"].tolist() == [8, 2, 16, 1, 32, 4]


def test_what_only_a_resume_reads_is_not_shown(make_study) -> None:
    trial = {"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 1.0}
    hidden = {"params_json": "{}", "resumed_attempt": 1, "resumed_epoch": 2}
    study = make_study([trial | hidden])
    assert not set(hidden) & set(study.trials().columns)
    assert not set(hidden) & set(study.table("trials").column_names)
    assert not any(name in column for column in study.configurations() for name in hidden)


def test_energy_rows_have_the_documented_columns(sweep: Study) -> None:
    assert sweep.energy().columns.tolist() == [
        "trial_id",
        "attempt",
        "host",
        "device",
        "component",
        "joules",
        "provenance",
        "shared",
    ]
    assert len(sweep.energy()) == 6


def test_a_charge_written_twice_counts_once(make_study) -> None:
    charge = {
        "trial_id": "c1-f0-s0",
        "attempt": 1,
        "time": 50.0,
        "component": "cpu",
        "joules": 4.0,
        "provenance": "modelled",
    }
    study = make_study(
        [{"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 4.0}], energy=[charge]
    )
    assert study.energy_spent() == 4.0


def test_energy_spent_counts_all_attempts_set_up_and_probes_but_not_ram(make_study) -> None:
    def charge(attempt: int, component: str, joules: float) -> dict:
        return {
            "trial_id": "c1-f0-s0",
            "attempt": attempt,
            "component": component,
            "joules": joules,
            "provenance": "modelled",
        }

    study = make_study(
        [{"config": "c1", "attempt": 2, "balanced_accuracy": 0.5, "energy_joules": 4.0}],
        energy=[
            charge(1, "cpu", 3.0),
            charge(2, "gpu", 2.0),
            charge(2, "setup", 1.0),
            charge(2, "inference", 0.5),
            charge(2, "ram", 100.0),
            charge(2, "idle", 100.0),
        ],
    )
    assert study.energy_spent() == 10.5
    assert study.provenance() == "cpu=modelled, gpu=modelled"


def test_hypervolume_grows_with_the_members_and_the_energy_with_every_trial(sweep: Study) -> None:
    history = sweep.hypervolume()
    assert history["trials"].tolist() == [1, 2, 3, 4, 5, 6]
    assert history["energy_joules"].tolist() == [720.0, 1080.0, 1580.0, 1680.0, 1730.0, 1740.0]
    reference = history.attrs["reference_point"]
    assert reference == {
        "balanced_accuracy": pytest.approx(0.65 - 0.1 * 0.25),
        "energy_joules": pytest.approx(720.0 + 0.1 * 360.0),
    }
    first = (0.9 - 0.625) * (756.0 - 720.0)
    both = first + (0.7 - 0.625) * (720.0 - 360.0)
    assert history["hypervolume"].tolist() == pytest.approx([first] + [both] * 5)
    assert history.attrs["units"]["hypervolume"] == "J"


def test_a_given_reference_point_is_taken(make_study) -> None:
    study = make_study(
        [{"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 4.0}],
    )
    history = study.hypervolume({"balanced_accuracy": 0.0, "energy_joules": 10.0})
    assert history["hypervolume"].tolist() == pytest.approx([3.0])


def test_a_configuration_counts_from_its_last_replicate_on(make_study) -> None:
    study = make_study(
        [
            {"config": "c1", "fold": fold, "balanced_accuracy": 0.5, "energy_joules": 4.0}
            for fold in (0, 1)
        ],
        folds=2,
    )
    history = study.hypervolume({"balanced_accuracy": 0.0, "energy_joules": 10.0})
    assert history["hypervolume"].tolist() == pytest.approx([0.0, 3.0])


def test_a_history_without_measured_configurations_is_zero(make_study) -> None:
    study = make_study([{"config": "c1", "state": "failed", "energy_joules": 4.0}])
    history = study.hypervolume()
    assert history["hypervolume"].tolist() == [0.0]
    assert history["energy_joules"].tolist() == [4.0]


def test_baselines_are_those_recorded_last(make_study) -> None:
    study = make_study(
        [],
        events=[
            {
                "kind": "baselines",
                "time": t,
                "details": {"rows": [{"name": "majority", "roc_auc": t}]},
            }
            for t in (0.25, 0.5)
        ],
    )
    assert study.baselines().to_dict("records") == [{"name": "majority", "roc_auc": 0.5}]


def test_baselines_are_pooled_over_the_folds_that_were_run(make_study) -> None:
    folds = [
        {"fold": 0, "labels": {"a": 1, "b": 0}, "scores": {"a": 0.9, "b": 0.2}},
        {"fold": 1, "labels": {"c": 1, "d": 0}, "scores": {"c": 0.1, "d": 0.8}},
    ]
    constant = [{"fold": 0, "labels": {"a": 1, "b": 0}, "scores": {"a": 1.0, "b": 1.0}}]
    rows = [{"name": "LR", "folds": folds}, {"name": "majority", "folds": constant}]
    study = make_study(
        [{"config": "c1", "accuracy": 0.5, "energy_joules": 1.0}],
        events=[{"kind": "baselines", "details": {"rows": rows}}],
    )
    shown = study.baselines()
    assert shown["subjects"].tolist() == [2, 2] and shown["folds"].tolist() == [1, 1]
    assert shown["balanced_accuracy"].tolist() == [1.0, 0.5]
    assert shown["roc_auc"].tolist() == [1.0, 0.5]


def test_a_study_without_baselines_has_no_rows(sweep: Study) -> None:
    assert sweep.baselines().empty


def test_an_unknown_configuration_is_answered_with_the_nearest(sweep: Study) -> None:
    with pytest.raises(StudyError, match="nearest valid name: c1"):
        sweep.out_of_fold("c11")


def test_answers_of_one_object_agree_while_the_study_goes_on(sweep: Study) -> None:
    before = len(sweep.trials())
    from joulefront.store import StudyStore

    with StudyStore.open(sweep.path).writer() as writer:
        writer.append("trials", [{"kind": "start", "trial_id": "c7-f0-s0", "attempt": 1}])
    assert len(sweep.trials()) == before
    assert len(Study.open(sweep.path).trials()) == before + 1


def test_changing_a_frame_does_not_change_the_study(sweep: Study) -> None:
    configurations, trials = sweep.configurations(), sweep.trials()
    configurations["on_front"] = True
    trials["state"] = "complete"
    assert len(sweep.front()) == 2


@pytest.mark.parametrize("name", ["smal", "other"])
def test_a_wrong_path_names_the_studies_that_are_there(sweep: Study, name: str) -> None:
    with pytest.raises(StudyError, match="small") as caught:
        Study.open(Path(sweep.path).parent / name)
    assert "nothing of that name" in str(caught.value)


def test_a_folder_of_studies_is_not_a_study(sweep: Study) -> None:
    with pytest.raises(StudyError, match=r"a folder without study.json; studies in .*: small"):
        Study.open(Path(sweep.path).parent)


def test_a_file_is_not_a_study(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("x")
    with pytest.raises(StudyError, match="given: a file"):
        Study.open(file)


def test_a_store_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(StudyError, match="must be s3://BUCKET/PREFIX or gs://BUCKET/PREFIX"):
        Study.open("az://bucket/study")


def test_importing_results_loads_neither_ray_nor_torch() -> None:
    code = (
        "import sys, joulefront.results\n"
        "print(sorted({'ray', 'torch', 'optuna', 'plotext'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
