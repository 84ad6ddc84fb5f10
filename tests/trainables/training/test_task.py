from __future__ import annotations

import numpy as np

from joulefront.testing import RecordingTrial
from trainables.cohorts import Inputs, Preprocessing, load_cohort, split_cohort
from trainables.training import TrainingConfig, load_task

DATA = {"cohort": "synthetic_ad", "subjects": 60, "seed": 0, "image_size": 32}


class Kept:
    def __init__(self, inputs: Inputs, device: object) -> None:
        self.inputs = inputs


def load(share: float, *, seed: int = 0):
    return load_task(TrainingConfig(train_share=share), RecordingTrial(data=DATA, seed=seed), Kept)


def test_a_share_is_taken_of_the_training_side_alone() -> None:
    whole, part, less = load(1.0), load(0.5), load(0.2)
    assert set(less.train.subjects) < set(part.train.subjects) < set(whole.train.subjects)
    for side in ("validation", "test"):
        assert getattr(part, side).subjects == getattr(whole, side).subjects
    labels = [np.bincount(task.train.batch.inputs.labels) for task in (whole, part)]
    assert np.abs(labels[0] / 2 - labels[1]).max() <= 0.5
    assert load(0.5, seed=1).train.subjects != part.train.subjects


def test_what_is_not_learnt_from_is_not_measured_either() -> None:
    cohort = load_cohort(DATA)
    part = load(0.2)
    names = list(cohort.subjects)
    rows = np.array([names.index(subject) for subject in part.train.subjects])
    assert part.preprocessing == Preprocessing.fit(cohort, rows)
    assert part.preprocessing != load(1.0).preprocessing


def test_all_of_it_is_the_split() -> None:
    cohort = load_cohort(DATA)
    split = split_cohort(cohort, DATA, 0)
    for side in ("train", "validation", "test"):
        expected = tuple(cohort.subjects[row] for row in getattr(split, side))
        assert getattr(load(1.0), side).subjects == expected
