from __future__ import annotations

import json

import numpy as np
import pytest

from joulefront.errors import SplitError, TrainableError
from joulefront.testing import RecordingTrial
from joulefront.trial import Assignment, TrialContext
from joulefront.trial.assignment import Place
from joulefront.trial.messages import Report


def test_a_report_counts_epochs_and_carries_the_energy_so_far():
    trial = RecordingTrial()
    with trial.measured():
        trial.report({"accuracy": np.float32(0.5)})
        trial.report({"accuracy": 1})
    first, second = (m for m in trial.messages if isinstance(m, Report))
    assert (first.epoch, second.epoch) == (1, 2)
    assert isinstance(first.metrics["accuracy"], float)

    def cpu(report: Report) -> float:
        return sum(row.joules for row in report.charges if row.component == "cpu")

    assert 0 <= cpu(first) <= cpu(second)


def test_a_trainable_may_not_report_what_the_platform_measures():
    trial = RecordingTrial()
    for name in ("energy_joules", "trial_id", "state", "inference_energy_joules_per_sample"):
        with pytest.raises(TrainableError, match=name):
            trial.report({name: 1.0})


def test_a_metric_must_be_a_scalar():
    with pytest.raises(TrainableError, match="accuracy = list"):
        RecordingTrial().report({"accuracy": [1.0]})


def test_a_subject_on_two_sides_is_refused():
    trial = RecordingTrial()
    with pytest.raises(SplitError, match="'s2' in train and in test"):
        trial.record_split(train=["s1", "s2"], validation=["s3"], test=["s2"])
    trial.record_split(train=["s2", "s1"], validation=["s3"], test=["s4"])
    assert trial.split["train"] == ["s1", "s2"]
    json.dumps(trial.split)


def test_predictions_must_name_the_same_subjects():
    trial = RecordingTrial()
    with pytest.raises(TrainableError, match="same subjects"):
        trial.record_predictions({"s1": 0}, {"s2": 0.5})
    trial.record_predictions({"s1": np.int64(0)}, {"s1": np.float32(0.5)})
    assert trial.predictions == {"fold": 0, "labels": {"s1": 0}, "scores": {"s1": 0.5}}


def test_finish_is_said_once_and_adds_to_the_last_report():
    trial = RecordingTrial()
    trial.report({"accuracy": 0.5, "loss": 1.0})
    trial.finish({"test_accuracy": 0.4})
    with pytest.raises(TrainableError, match="once"):
        trial.finish({})
    closing = trial.closing()
    assert closing.state == "complete"
    assert closing.metrics == {"accuracy": 0.5, "loss": 1.0, "test_accuracy": 0.4}


def test_setup_is_what_lies_outside_the_window():
    trial = RecordingTrial()
    sum(range(3_000_000))
    with trial.measured():
        sum(range(1_000_000))
    by_component = {row.component: row.joules for row in trial.closing().charges}
    assert by_component["setup"] > by_component["cpu"] > 0


def test_without_a_window_the_whole_call_is_charged():
    trial = RecordingTrial()
    sum(range(2_000_000))
    by_component = {row.component: row.joules for row in trial.closing().charges}
    assert by_component["cpu"] > 0 and "setup" not in by_component


def test_a_window_in_a_window_is_refused():
    trial = RecordingTrial()
    with trial.measured(), pytest.raises(TrainableError, match="closed before"), trial.measured():
        pass
    with trial.measured(), pytest.raises(TrainableError, match="closed before"), trial.inference(1):
        pass


def test_inference_is_charged_a_sample_and_apart():
    trial = RecordingTrial()
    with trial.measured():
        sum(range(1_000_000))
    for _ in range(2):
        with trial.inference(samples=10):
            sum(range(1_000_000))
    closing = trial.closing()
    by_component = {row.component: row.joules for row in closing.charges}
    assert by_component["inference"] > by_component["cpu"] > 0
    per_sample = closing.inference_energy_joules_per_sample
    assert per_sample == pytest.approx(by_component["inference"] / 20)
    assert "inference_energy_joules_per_sample" not in closing.metrics


def test_without_inference_nothing_is_said_of_it():
    trial = RecordingTrial()
    with pytest.raises(TrainableError, match="at least 1; given: 0"), trial.inference(0):
        pass
    assert trial.closing().inference_energy_joules_per_sample is None


def test_a_checkpoint_is_kept_before_the_report_counts(tmp_path):
    source = tmp_path / "out"
    source.mkdir()
    (source / "model.pt").write_bytes(b"weights")
    trial = RecordingTrial(store=tmp_path / "study")
    trial.report({"accuracy": 0.5}, checkpoint=source)
    (kept,) = trial.checkpoints
    assert (kept / "model.pt").read_bytes() == b"weights"


def test_a_trial_that_was_killed_after_its_last_epoch_ends_with_what_that_reported():
    recorder = RecordingTrial()
    again = Assignment(
        trainable="tests:train",
        trial_id="c0000-f0-s0",
        config_id="c0000",
        checkpoint_epoch=4,
        checkpoint_metrics={"accuracy": 0.75},
    )
    trial = TrialContext(again, Place(threads=1), sink=recorder, meter=recorder._meter)
    assert trial.closing().metrics == {"accuracy": 0.75}
