"""Run one attempt of one trial in this process, whatever carries its messages.

The runner builds the context, calls the trainable and sees to it that exactly one closing message
is sent. It knows nothing of Ray: `_ray.py` calls it on a worker, `study try` in the terminal.
"""

from __future__ import annotations

import sys
import traceback
from typing import Any

from joulefront.energy import PowerModel, ProcessCounters
from joulefront.errors import TrainableError
from joulefront.spec import import_trainable
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.context import Sink, TrialContext
from joulefront.trial.isolation import isolated
from joulefront.trial.logs import logged
from joulefront.trial.metering import AttemptMeter


def run_trial(assignment: Assignment, place: Place, sink: Sink) -> None:
    """Call the trainable and close the attempt.

    In a single process a failure is sent as a closing message before it is raised again. In a
    worker group it is only raised: the other ranks would wait for a message that cannot come.

    Raises:
        Exception: Whatever the trainable raised, so that a broken process is not reused.
    """
    with isolated(seed=assignment.seed, threads=place.threads), logged(assignment, place):
        context = _context(assignment, place, sink)
        try:
            _call(assignment, context)
            context.close()
        except Exception as error:
            report = traceback.format_exc()
            print(report, file=sys.stderr)
            if place.world_size == 1:
                context.fail(error, report)
            raise


def _context(assignment: Assignment, place: Place, sink: Sink) -> TrialContext:
    meter = AttemptMeter(
        ProcessCounters(gpu_uuids=place.gpu_uuids),
        PowerModel.from_dict(assignment.power_model),
        cores=assignment.cpus,
        host=place.host,
    )
    return TrialContext(
        assignment,
        place,
        sink=sink,
        meter=meter,
        first_epoch=assignment.checkpoint_epoch,
    )


def _call(assignment: Assignment, context: TrialContext) -> None:
    trainable = import_trainable(assignment.trainable)
    if trainable.config_type is None:
        trainable.train(dict(assignment.parameters))
    else:
        trainable.train(_configure(trainable.config_type, assignment), context)


def _configure(config_type: type, assignment: Assignment) -> Any:
    try:
        return config_type(**assignment.parameters)
    except (TypeError, ValueError) as error:
        raise TrainableError(
            f"{assignment.trainable} must accept the study's values",
            given=f"{dict(assignment.parameters)}: {error}",
            remedy="correct `fixed` or `space` in the study file",
        ) from error
