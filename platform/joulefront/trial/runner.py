"""Run one attempt of one trial in this process, whatever carries its messages.

The runner builds the context, calls the trainable and sees to it that exactly one closing message
is sent. It knows nothing of Ray: `_ray.py` calls it on a worker, `study try` in the terminal.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from joulefront.energy import ProcessCounters
from joulefront.energy.host import Host
from joulefront.errors import TrainableError
from joulefront.spec import ENERGY_METRICS, import_trainable
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.context import Sink, TrialContext
from joulefront.trial.host_model import host_model, own_class
from joulefront.trial.isolation import isolated
from joulefront.trial.logs import logged
from joulefront.trial.metering import AttemptMeter, registration_of


def run_trial(assignment: Assignment, place: Place, sink: Sink, host: Host | None = None) -> None:
    """Call the trainable and close the attempt.

    The closing message of an attempt that completes is its last word: its log is whole by then, and
    the process as it was, so that another trial may have it at once.

    In a single process a failure is sent as a closing message before it is raised again. In a
    worker group it is only raised: the other ranks would wait for a message that cannot come.

    Args:
        assignment: What to do.
        place: Where this process stands.
        sink: Where messages go.
        host: The host's meter; None where nobody keeps a ledger.

    Raises:
        Exception: Whatever the trainable raised, so that a broken process is not reused.
    """
    with (
        isolated(seed=assignment.seed, threads=place.threads),
        logged(assignment, place),
        _metered(assignment, place, host or Host()) as meter,
    ):
        context = TrialContext(
            assignment,
            place,
            sink=sink,
            meter=meter,
            node_class=own_class(),
            first_epoch=assignment.checkpoint_epoch,
        )
        try:
            _check_gpus(assignment, place)
            _call(assignment, context)
            closing = context.closing()
        except Exception as error:
            report = traceback.format_exc()
            print(report, file=sys.stderr)
            if place.world_size == 1:
                context.fail(error, report)
            raise
        finally:
            context.release()
    sink.send(closing)


@contextmanager
def _metered(assignment: Assignment, place: Place, host: Host) -> Iterator[AttemptMeter]:
    """Tell the host's meter when the attempt begins and when it ends, however it ends."""
    model = host_model(assignment, place)
    counters = ProcessCounters(gpu_uuids=place.gpu_uuids)
    registration = registration_of(assignment, place, counters.read())
    meter = AttemptMeter(counters, model, registration, host=host, host_name=place.host)
    try:
        yield meter
    finally:
        meter.close()


def _check_gpus(assignment: Assignment, place: Place) -> None:
    """Refuse to compare by energy what nobody can measure: the own part of a shared GPU."""
    energies = [name for name in assignment.objectives if name in ENERGY_METRICS]
    if place.gpu_shares and energies and not assignment.allow_shared_gpu:
        raise TrainableError(
            f"{energies[0]} must be measured on whole GPUs",
            given=", ".join(f"{share:g} of {uuid}" for uuid, share in place.gpu_shares.items()),
            remedy="reserve whole GPUs without MIG, or set energy.allow_shared_gpu: true",
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
