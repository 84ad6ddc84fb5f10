"""The Ray that a study runs on: one of its own on this machine, or one that is named.

A study's own Ray listens on loopback only, asks for a token that is made for it and never
written, has no dashboard and sends no usage statistics. Exactly that one is stopped at the end.
Only `--listen` lets other hosts reach it, and only with a token that they know too.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from joulefront.errors import StudyError
from joulefront.launch.reach import has_token, on_loopback

OBJECT_STORE_BYTES = 200 * 2**20
"""Trials exchange a few kilobytes; Ray would reserve 30 % of the memory."""

_TUNE = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "TUNE_RESULT_BUFFER_LENGTH": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": "1000",  # all actors start at once; the searcher limits them
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
_LOOPBACK = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Read when Ray is imported: with it, nodes take the loopback address, as they do on macOS."""


def worker_environment(cpus: int) -> dict[str, str]:
    """Return what must stand in a worker's environment before torch is imported.

    Idle OpenMP threads would otherwise spin: two trials of two threads on two cores are then
    charged 4.7 times as much.
    """
    threads = str(cpus)
    return {
        "OMP_WAIT_POLICY": "PASSIVE",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "TUNE_FUNCTION_THREAD_TIMEOUT_S": "15",  # twice, for a stopped trial to leave its `finally`
        "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative data paths are those of the driver's folder
    }


def prepare_environment(*, address: str | None = None, listen: str | None = None) -> None:
    """Set what Ray reads from the environment, for the life of this process.

    A user's own settings win. A token of ours is made once a process and is in no file; one that
    the user has is asked for wherever it is known.

    Args:
        address: Of a running cluster, or None for a Ray of our own.
        listen: Address of this host at which a Ray of our own is to be reached.
    """
    ours = dict(_TUNE)
    if on_loopback(address if address is not None else listen):
        ours |= _LOOPBACK
    if address is None and listen is None:
        ours |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    elif has_token():
        ours |= {"RAY_AUTH_MODE": "token"}
    for name, value in ours.items():
        os.environ.setdefault(name, value)


def _settle_imported_ray(*, loopback: bool) -> None:
    """Let a Ray that was imported before `prepare_environment` follow it all the same.

    It has read the authentication mode and the choice of the loopback address on import.
    """
    raylet: Any = importlib.import_module("ray._raylet")
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()
    if loopback:
        constants: Any = importlib.import_module("ray._private.ray_constants")
        constants.ENABLE_RAY_CLUSTER = False


@contextmanager
def ray_cluster(
    address: str | None, *, cpus: int, slots: int, gpus: int, listen: str | None = None
) -> Iterator[None]:
    """Connect to Ray for the time of a study.

    Args:
        address: Of a running cluster, or None for one of our own.
        cpus: Threads of a trial's process.
        slots: CPUs that the study can use at once, for a Ray of our own.
        gpus: GPUs that it can use at once, for a Ray of our own.
        listen: Address of this host at which others reach a Ray of our own; None for none.

    Raises:
        StudyError: If the named cluster does not answer.
    """
    prepare_environment(address=address, listen=listen)
    import ray

    if ray.is_initialized():
        yield
        return
    workers = worker_environment(cpus)
    _settle_imported_ray(loopback=on_loopback(address if address is not None else listen))
    with environment(workers if address is None else {}):
        try:
            if address is None:
                ray.init(
                    address="local",
                    num_cpus=slots,
                    num_gpus=gpus,
                    object_store_memory=OBJECT_STORE_BYTES,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    **_reached_at(listen),
                )
            else:
                runtime = {"env_vars": workers}
                ray.init(address=address, runtime_env=runtime, log_to_driver=False)
        except (ConnectionError, RuntimeError) as error:
            raise StudyError(
                "a Ray cluster must answer",
                given=f"{address or 'a local one'}: {error}",
                remedy="check --address and RAY_AUTH_TOKEN, or leave --address out",
            ) from error
        try:
            yield
        finally:
            ray.shutdown()


def _reached_at(listen: str | None) -> dict[str, Any]:
    """Return what `ray.init` is told of a Ray that other hosts reach; a dashboard is an extra."""
    if listen is None:
        return {"include_dashboard": False}
    dashboard = importlib.util.find_spec("aiohttp_cors") is not None
    return {
        "_node_ip_address": listen,
        "include_dashboard": dashboard,
        "dashboard_host": listen,
    }


def cluster_address() -> str:
    """Return the "host:port" of the connected cluster, for others to join."""
    import ray

    return str(ray.get_runtime_context().gcs_address)


def cluster_hosts() -> set[str]:
    """Return the names of the hosts that are up in the connected cluster."""
    import ray

    return {node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}


def ask_nodes(question: Callable[..., Any], *arguments: Any) -> list[tuple[str, Any]]:
    """Call a function on each node of the connected cluster that has a CPU.

    Returns:
        The name of each node's host, and what the function returned there.
    """
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    asked = ray.remote(num_cpus=0)(question)
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU")]
    places = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
    answers = [asked.options(scheduling_strategy=place).remote(*arguments) for place in places]
    names = [node["NodeManagerHostname"] for node in nodes]
    return list(zip(names, ray.get(answers), strict=True))


@contextmanager
def environment(values: Mapping[str, str]) -> Iterator[None]:
    """Set variables for the processes that Ray starts, and put back what was there."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
