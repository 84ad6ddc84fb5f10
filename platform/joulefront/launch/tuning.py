"""Run a conductor's trials with Ray Tune: the one place that builds a Tuner."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ray import tune
from ray._common.constants import HEAD_NODE_RESOURCE_NAME

from joulefront.launch.conductor import Conductor
from joulefront.launch.lookups import remembered_lookups
from joulefront.launch.prefetch import Prefetcher
from joulefront.launch.scheduler import StudyScheduler
from joulefront.launch.searcher import StudyCallback, StudySearcher, StudyStopper
from joulefront.launch.starved import starved_actors_die
from joulefront.spec import StudySpec
from joulefront.trial._group_ends import wait_until_groups_have_ended
from joulefront.trial._ray import tune_trial

_GROUPS_END_SECONDS = 10.0  # for groups that were killed with the study's last trials

_HEAD_SHARE = 0.001
"""Of the head node, which has one of itself: so many groups can run at once."""


def run_tune(
    conductor: Conductor, *, slots: Callable[[], int], scratch: Path, refresh: Callable[[], None]
) -> None:
    """Carry out trials until the conductor has no more, or is stopping.

    Args:
        conductor: Of the study.
        slots: How many trials may run at once now.
        scratch: Folder for Tune's own files, which nobody reads.
        refresh: Called at every step of Tune's loop.

    Raises:
        Exception: What the conductor or a proposal raised: a full disk, or a bug.
    """
    with Prefetcher(slots) as prefetcher, starved_actors_die(), remembered_lookups():
        conductor.agenda.proposer = prefetcher
        searcher = StudySearcher(conductor, slots, prefetcher)
        tune.Tuner(
            tune.with_resources(tune_trial, _actor_resources(conductor.spec)),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                scheduler=StudyScheduler(searcher, conductor),
                num_samples=-1,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name="study",
                storage_path=str(scratch),
                callbacks=[StudyCallback(searcher, refresh)],
                stop=StudyStopper(conductor, searcher),
                failure_config=tune.FailureConfig(max_failures=0),
                verbose=0,
            ),
        ).fit()
    for tune_id in list(searcher.running):
        searcher.release(tune_id, None)
    if conductor.spec.per_trial.workers:
        wait_until_groups_have_ended(_GROUPS_END_SECONDS)
    if searcher.error is not None:
        raise searcher.error


def _actor_resources(spec: StudySpec) -> dict[str, float]:
    """Return what a trial's own actor reserves; a worker group reserves its cores by itself.

    Tune cannot schedule an actor that reserves nothing. If that of a group had a core, or a part
    of one, the last group of a full cluster would wait for it for ever. On the head it outlives
    the nodes of its group.
    """
    if spec.per_trial.workers:
        return {HEAD_NODE_RESOURCE_NAME: _HEAD_SHARE}
    return {"CPU": spec.per_trial.cpus, "GPU": spec.per_trial.gpus}
