"""Carry a study's trials out: connect to Ray, look at the hosts, and let Tune run to the end."""

from __future__ import annotations

import math
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from joulefront.energy import ProcessCounters, Registration, Window
from joulefront.energy.node_class import node_class
from joulefront.energy.processes import process_table
from joulefront.launch.cluster import ask_nodes, cluster_address, cluster_hosts, ray_cluster
from joulefront.launch.conductor import Conductor
from joulefront.launch.data_paths import check_data_paths
from joulefront.launch.display import Display
from joulefront.launch.node_classes import check_node_classes
from joulefront.launch.prestart import prestarting
from joulefront.launch.reach import reach_notes
from joulefront.launch.resources import Resources, local_cores
from joulefront.launch.sharing import SharedStore
from joulefront.launch.slots import ClusterSlots
from joulefront.spec import StudySpec


def execute(
    conductor: Conductor,
    address: str | None,
    display: Display,
    upkeep: Callable[[], None],
    *,
    listen: str | None = None,
) -> None:
    """Let Tune carry out what the conductor hands out, until it has no more or is interrupted.

    Args:
        conductor: Of the study.
        address: Of a running Ray cluster; None starts one on this machine.
        display: What shows the progress.
        upkeep: Called at every step, as the display is.
        listen: Address at which other hosts can join the Ray that is started here.

    Raises:
        StudyError: If the cluster does not answer, or is not fit for the study.
        Exception: What a callback raised: a full disk, or a bug.
    """
    spec = conductor.spec
    each = Resources.of_trial(spec)
    gpus = _local_gpus(each)
    concurrent = spec.search.concurrent or each.fitting([(local_cores(), gpus)])
    alone = address is None and listen is None
    for text in energy_notes(spec, concurrent * each.cpus, local_cores() if alone else None):
        display.note(text)
    for text in reach_notes(address) if address is not None else ():
        display.note(text)
    with (
        prestarting(spec, _processes_of(spec, concurrent) if alone else 0) as until_ready,
        ray_cluster(
            address,
            cpus=spec.per_trial.cpus,
            slots=concurrent * each.cpus,
            gpus=max(gpus, math.ceil(each.processes * each.gpus)),
            listen=listen,
        ),
        tempfile.TemporaryDirectory(prefix="joulefront-") as scratch,
        _interruptible(conductor.stop),
        display.watching(conductor) as refresh,
    ):
        from joulefront.launch.tuning import run_tune

        slots = ClusterSlots(each, concurrent if alone else spec.search.concurrent)
        if listen is not None:
            display.note(f"other hosts join with: ray start --address {cluster_address()}")
        shared = SharedStore(conductor.store, cluster_hosts)
        if not alone:
            shared()
            check_node_classes(spec, ask_nodes(node_class))
            check_data_paths(spec.data, ask_nodes)

        def step() -> None:
            refresh()
            upkeep()
            if not alone:
                shared()

        with _metered(conductor.store):
            until_ready()
            run_tune(conductor, slots=slots, scratch=Path(scratch), refresh=step)


def energy_notes(spec: StudySpec, wanted: int, cores: int | None) -> list[str]:
    """Say what will stand in the way of good charges, a sentence each.

    Args:
        spec: The study.
        wanted: Cores that its trials reserve at once.
        cores: That there are; None if that is the cluster's affair.
    """
    notes = []
    if spec.per_trial.gpus % 1:
        notes.append(
            f"energy: {spec.per_trial.gpus:g} of a GPU is charged by that share, whoever used it"
        )
    if cores is not None and wanted > cores:
        notes.append(
            f"energy: trials reserve {wanted} cores of {cores}: they run unpinned, and their "
            "charges will be flagged"
        )
    return notes


@contextmanager
def _metered(store: str | Path) -> Iterator[None]:
    """Let the host's meter write down what this process spends: the search itself."""
    from joulefront.trial._meter import attend_study

    counters = ProcessCounters()
    called = counters.read()
    registration = Registration(
        study=str(store),
        trial_id="",
        attempt=0,
        rank=0,
        pid=os.getpid(),
        started=process_table().started(os.getpid()) or 0,
        cores=0,
        called=called,
    )
    host = attend_study(store, registration)
    try:
        yield
    finally:
        host.closed(Window(opened=called, closed=counters.read(), cores=0))
        host.observe(called.monotonic_ns)  # waits until the last sample has been written


def _processes_of(spec: StudySpec, concurrent: int) -> int:
    """Return how many processes a study's trials need: no more than there are trials."""
    if spec.budget.trials is None:
        return concurrent
    return min(concurrent, spec.budget.trials * spec.replicates.folds * spec.replicates.seeds)


def _local_gpus(each: Resources) -> int:
    if not each.gpus:
        return 0
    import torch

    return int(torch.cuda.device_count())


@contextmanager
def _interruptible(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM stop the study cleanly, and the second end the process.

    SIGTERM is how Ray Jobs, Slurm and Kubernetes stop a driver.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def interrupt(*_: object) -> None:
        restore()
        stop()

    for number in before:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        restore()
