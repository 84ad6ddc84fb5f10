"""The Ray that a study runs on: one of its own on this machine, or one that is named.

A study's own Ray listens on loopback only, asks for a token that is made for it and never
written, has no dashboard and sends no usage statistics. Exactly that one is stopped at the end.
"""

from __future__ import annotations

import importlib
import logging
import os
import secrets
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from joulefront.errors import StudyError

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
        "TUNE_FUNCTION_THREAD_TIMEOUT_S": "60",  # a stopped trial's, to leave its `finally` blocks
        "RAY_CHDIR_TO_TRIAL_DIR": "0",  # relative data paths are those of the driver's folder
    }


def prepare_environment(*, local: bool) -> None:
    """Set what Ray reads from the environment, for the life of this process.

    A user's own settings win. A token is made once a process and is in no file.
    """
    ours = dict(_TUNE)
    if local:
        ours |= _LOOPBACK
        ours |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    for name, value in ours.items():
        os.environ.setdefault(name, value)


def _settle_imported_ray(*, local: bool) -> None:
    """Let a Ray that was imported before `prepare_environment` follow it all the same.

    It has read the authentication mode and the choice of the loopback address on import.
    """
    raylet: Any = importlib.import_module("ray._raylet")
    raylet.Config.initialize("")
    raylet.AuthenticationTokenLoader.instance().reset_cache()
    if local:
        constants: Any = importlib.import_module("ray._private.ray_constants")
        constants.ENABLE_RAY_CLUSTER = False


def check_address(address: str) -> None:
    """Knock at a named cluster, before anything is written: Ray would wait for a minute.

    Raises:
        StudyError: If nothing listens at a "host:port" address.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
    except OSError as error:
        raise StudyError(
            "a Ray cluster must answer at --address",
            given=f"{address}: {error.strerror or error}",
            remedy="check the address, or leave --address out for a local Ray",
        ) from error


@contextmanager
def ray_cluster(address: str | None, *, cpus: int, slots: int, gpus: int) -> Iterator[None]:
    """Connect to Ray for the time of a study.

    Args:
        address: Of a running cluster, or None for one of our own.
        cpus: Threads of a trial's process.
        slots: CPUs that the study can use at once, for a Ray of our own.
        gpus: GPUs that it can use at once, for a Ray of our own.

    Raises:
        StudyError: If the named cluster does not answer.
    """
    prepare_environment(local=address is None)
    import ray

    if ray.is_initialized():
        yield
        return
    workers = worker_environment(cpus)
    _settle_imported_ray(local=address is None)
    with _environment(workers if address is None else {}):
        try:
            if address is None:
                ray.init(
                    address="local",
                    num_cpus=slots,
                    num_gpus=gpus,
                    include_dashboard=False,
                    object_store_memory=OBJECT_STORE_BYTES,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
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


def cluster_hosts() -> set[str]:
    """Return the names of the hosts that are up in the connected cluster."""
    import ray

    return {node["NodeManagerHostname"] for node in ray.nodes() if node["Alive"]}


@contextmanager
def _environment(values: Mapping[str, str]) -> Iterator[None]:
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
