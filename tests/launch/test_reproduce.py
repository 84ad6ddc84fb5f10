from __future__ import annotations

import json
import math

import pytest

from joulefront.cli.reproduce import as_text
from joulefront.errors import StudyError
from joulefront.launch import launch_study, reproduce
from joulefront.launch.header import study_header
from joulefront.launch.reproduce import Figure, Reproduction, reproduce_trial
from joulefront.spec import Budget, Float, Objective, PerTrial, Replicates, Search, import_trainable
from joulefront.store import StudyStore
from trainables.toy import Config, accuracy

BODY = """
from dataclasses import dataclass
import random

@dataclass(frozen=True, kw_only=True)
class Config:
    x: float = 0.5

def train(config, trial):
    drawn = random.random() * config.x + trial.seed + 10 * trial.fold
    trial.report({'accuracy': drawn})
    trial.finish({'test_nan': float('nan'), 'latency_seconds': drawn})
"""


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_a_trial_comes_out_again_to_the_last_bit_and_other_code_is_found(tmp_path, toy_spec):
    file = tmp_path / "t.py"
    file.write_text(BODY)
    spec = toy_spec(
        trainable=f"{file}:train",
        fixed={},
        space={"x": Float(0.0, 1.0)},
        objectives=(Objective("accuracy", "maximise"),),
        replicates=Replicates(folds=2, seeds=2, allocate="all"),
        search=Search(sampler="random", seed=5, concurrent=2),
        budget=Budget(trials=1),
    )
    study = tmp_path / "study"
    launch_study(spec, store=study)
    before = sorted(p.relative_to(study) for p in study.rglob("*"))
    made = reproduce_trial(study, "c0000-f1-s1")
    assert made.differing == [] and made.notes == ()
    accuracy = made.figures[0]
    assert accuracy.name == "accuracy" and accuracy.before == accuracy.again > 16
    assert sorted(p.relative_to(study) for p in study.rglob("*")) == before
    file.write_text(BODY.replace("10 *", "11 *"))
    made = reproduce_trial(study, "c0000-f1-s1")
    assert made.notes == ("code: t.py changed",)
    assert made.differing == ["accuracy"]


def pruned(tmp_path, toy_spec):
    """A study that holds one trial, ended by a rule at epoch 2, and its accuracy then."""
    spec = toy_spec(fixed={"work": 0.0, "epochs": 4})
    values = {"width": 64, "learning_rate": 0.01, "activation": "relu"}
    header = study_header(spec, import_trainable(spec.trainable))
    store = StudyStore.create(tmp_path / "study", header)
    row = {"trial_id": "c0002-f0-s0", "attempt": 2, "config_id": "c0002", "fold": 0, "seed": 1}
    row |= {"time": 1.0, "role": "search", "proposal_index": 2}
    who = {name: row[name] for name in ("time", "trial_id", "attempt")}
    told = {"params_json": json.dumps(values), "resumed_attempt": 1, "resumed_epoch": 1}
    with store.writer() as writer:
        writer.append("trials", [row | told | {"kind": "start", "state": "running"}])
        for epoch in (1, 2):
            known = accuracy(Config(**values), epoch)
            report = {"epoch": epoch, "accuracy": known, "loss": 1 - known, "energy_joules": 1.0}
            writer.append("reports", [who | report])
        writer.append("trials", [row | {"kind": "end", "state": "pruned", "accuracy": known}])
    return store, known


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_a_pruned_trial_is_compared_at_its_last_epoch(tmp_path, toy_spec):
    store, known = pruned(tmp_path, toy_spec)
    made = reproduce_trial(store.path, "c0002-f0-s0")
    assert made.notes == ("in the study it went on from a checkpoint of epoch 1",)
    shown = {figure.name: figure.again for figure in made.figures if not figure.measured}
    assert shown == {"accuracy": known, "loss": 1 - known} and made.differing == []


def test_ctrl_c_before_the_trial_begins_is_no_other_error(tmp_path, toy_spec, monkeypatch):
    store, _ = pruned(tmp_path, toy_spec)
    monkeypatch.setattr(reproduce, "execute", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        reproduce_trial(store.path, "c0002-f0-s0")


GROUP = BODY.replace("10 * trial.fold", "torch.rand(1).item()").replace(
    "import random", "import random\nimport torch"
)


@pytest.mark.slow
@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_a_worker_group_comes_out_again(tmp_path, toy_spec):
    file = tmp_path / "t.py"
    file.write_text(GROUP)
    spec = toy_spec(
        trainable=f"{file}:train",
        fixed={},
        space={"x": Float(0.0, 1.0)},
        objectives=(Objective("accuracy", "maximise"),),
        search=Search(sampler="random", seed=5, concurrent=1),
        budget=Budget(trials=1),
        per_trial=PerTrial(workers=2),
    )
    launch_study(spec, store=tmp_path / "study")
    made = reproduce_trial(tmp_path / "study", "c0000-f0-s0")
    assert made.differing == [] and made.notes == ()
    assert made.figures[0].name == "accuracy" and made.figures[0].again > 0


def test_only_a_trial_that_ended_is_run_again(tmp_path, toy_spec):
    header = {"name": "toy", "spec": toy_spec().to_dict()}
    store = StudyStore.create(tmp_path / "study", header)
    with store.writer() as writer:
        row = {"time": 1.0, "trial_id": "c0000-f0-s0", "attempt": 1, "kind": "start"}
        writer.append("trials", [row | {"config_id": "c0000", "state": "running"}])
    with pytest.raises(StudyError, match="whose state is running"):
        reproduce_trial(store.path, "c0000-f0-s0")
    with pytest.raises(StudyError, match="must hold the trial; given: c0001-f0-s0"):
        reproduce_trial(store.path, "c0001-f0-s0")


def test_figures_side_by_side():
    figures = (
        Figure(name="accuracy", before=0.1 + 0.2, again=0.3, measured=False),
        Figure(name="auc", before=math.nan, again=math.nan, measured=False),
        Figure(name="energy_joules", before=2.0, again=1.0, measured=True),
    )
    made = Reproduction(trial_id="c0000-f0-s0", figures=figures, notes=("code: t.py changed",))
    assert made.differing == ["accuracy"]
    text = as_text(made)
    assert "0.30000000000000004    0.3  differs" in text
    assert text.endswith("differs: accuracy\nmay be why: code: t.py changed")
    assert "-50.0%" in text
    same = Reproduction(trial_id="c", figures=figures[1:], notes=())
    assert as_text(same).endswith("all 1 figures that are not measured agree bit for bit")
