from __future__ import annotations

import numpy as np
import pytest
import torch

from trainables.cohorts import Inputs
from trainables.seeding import stream
from trainables.smmt import Config
from trainables.smmt.batch import Batch, InputShape
from trainables.smmt.model import SMMT

SIZE, PLANES, COLUMNS, LEVELS = 16, 2, 3, (2, 3)


def make_inputs(samples: int = 12, *, seed: int = 0) -> Inputs:
    rng = np.random.default_rng(seed)
    missing = rng.random((samples, COLUMNS)) < 0.2
    missing[:, 0] = False
    categorical = np.stack([rng.integers(-1, levels, samples) for levels in LEVELS], axis=1)
    categorical[:, 0] = np.maximum(categorical[:, 0], 0)
    return Inputs(
        subjects=tuple(f"s{i}" for i in range(samples)),
        labels=np.arange(samples, dtype=np.int64) % 2,
        images=rng.standard_normal((samples, PLANES, SIZE, SIZE)).astype(np.float32),
        image_present=np.ones(samples, dtype=np.bool_),
        numeric=np.where(missing, 0, rng.standard_normal((samples, COLUMNS))).astype(np.float32),
        numeric_missing=missing,
        categorical=categorical,
    )


@pytest.fixture
def shape() -> InputShape:
    return InputShape(planes=PLANES, image_size=SIZE, numeric=COLUMNS, levels=LEVELS)


@pytest.fixture
def batch() -> Batch:
    return Batch.of(make_inputs(), torch.device("cpu"))


@pytest.fixture
def make_batch():
    def make(samples: int = 12, *, seed: int = 0) -> Batch:
        return Batch.of(make_inputs(samples, seed=seed), torch.device("cpu"))

    return make


@pytest.fixture
def make_model(shape: InputShape):
    def make(**values: object) -> SMMT:
        config = Config(**{"width": 16, "heads": 2, "layers": 1, **values})
        return SMMT(config, shape, stream(0, "weights"))

    return make
