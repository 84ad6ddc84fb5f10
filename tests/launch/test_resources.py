from __future__ import annotations

import pytest

from joulefront.launch.resources import Resources
from joulefront.spec import PerTrial


@pytest.mark.parametrize(
    ("per_trial", "cores", "gpus", "slots"),
    [
        (PerTrial(cpus=1), 4, 0, 4),
        (PerTrial(cpus=3), 4, 0, 1),
        (PerTrial(cpus=8), 4, 0, 1),
        (PerTrial(workers=2, cpus=2), 8, 0, 2),
        (PerTrial(gpus=1), 8, 2, 2),
        (PerTrial(workers=2, gpus=2), 16, 8, 2),
        (PerTrial(gpus=0.5), 8, 2, 4),
        (PerTrial(gpus=0.4), 8, 2, 4),
        (PerTrial(gpus=0.1), 16, 1, 10),
        (PerTrial(workers=2, gpus=0.25), 16, 1, 2),
    ],
)
def test_trials_fit_without_sharing_a_core(toy_spec, per_trial, cores, gpus, slots):
    each = Resources.of_trial(toy_spec(per_trial=per_trial))
    assert each.fitting([(cores, gpus)]) == slots
