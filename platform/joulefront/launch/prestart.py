"""Processes that a study's own Ray starts with itself, and that the study's trials then run in.

Ray starts a process for each of its CPUs as soon as it is up. Tune leaves them idle, since it wants
variables in their environment, and starts others as trials come. Here these variables are in
everybody's, and the processes load what a trial needs as they start: on 2 cores 4 trials at once
begin after 6 s instead of 12 to 13, and 16 after 16 s instead of 38 to 47.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from joulefront.launch.cluster import environment, prepare_environment
from joulefront.spec import StudySpec
from joulefront.trial._preload import READY, TO_LOAD

_PATIENCE_SECONDS = 60.0  # then trials begin all the same, in what processes there are
_LOOK_SECONDS = 0.05
_OTHERS = 8  # processes of Ray's beside those of trials: the host's meter is one


@contextmanager
def prestarting(spec: StudySpec, processes: int) -> Iterator[Callable[[], None]]:
    """Have a Ray that is started inside start the processes of trials.

    It yields a function that waits until they have loaded everything: a trial that begins beside
    them would wait for cores, and its charge be degraded.

    The trainable itself is not loaded where trials have GPUs: should it look for them on import,
    it would see those of all trials. For worker groups, whose ranks Train starts, and in a Ray that
    is up already, nothing is done.

    Args:
        spec: The study.
        processes: How many trials run at once; 0 on a cluster, where nobody knows it.

    Yields:
        What to call once Ray is up.
    """
    ray = sys.modules.get("ray")
    if not processes or spec.per_trial.workers or (ray is not None and ray.is_initialized()):
        yield lambda: None
        return
    prepare_environment()  # Ray reads parts of it when it is imported
    from ray.tune.execution import class_cache

    tune: Any = class_cache
    wanted, propagated = tune.DEFAULT_ENV_VARS, tune.ENV_VARS_TO_PROPAGATE
    values = wanted | {
        "RAY_preload_python_modules": "joulefront.trial._preload",
        "RAY_worker_maximum_startup_concurrency": str(processes),
        "RAY_num_workers_soft_limit": str(processes + _OTHERS),  # else Ray ends what is idle
        TO_LOAD: "torch" if spec.per_trial.gpus else spec.trainable,
    }
    tune.DEFAULT_ENV_VARS, tune.ENV_VARS_TO_PROPAGATE = {}, frozenset()
    try:
        with environment(values):
            yield lambda: _wait_until_ready(processes)
    finally:
        tune.DEFAULT_ENV_VARS, tune.ENV_VARS_TO_PROPAGATE = wanted, propagated


def _wait_until_ready(processes: int) -> None:
    """Wait, not for ever, until so many processes have said that they are ready."""
    from ray.experimental import internal_kv

    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        if len(internal_kv._internal_kv_list(READY)) >= processes:
            return
        time.sleep(_LOOK_SECONDS)
