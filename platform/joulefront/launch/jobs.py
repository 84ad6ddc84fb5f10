"""Studies that run as Ray Jobs: find one by its store, follow its log, stop it, ask how it is.

Knows the dashboard's address of a cluster and nothing of a study but its store, which stands in
the job's metadata. It starts and sends nothing: `submit.py` does.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import time
from collections.abc import Callable, Iterator
from typing import Any

from joulefront.errors import StudyError
from joulefront.launch.cluster import prepare_environment
from joulefront.launch.reach import check_address, host_and_port

STOP_SECONDS = 120
"""A driver's, to end its trials and close its store, before Ray kills it; Ray's own is 3."""

_STORE = "joulefront.store"
_DASHBOARD_PORT = 8265
_POLL_SECONDS = 0.5
_RECONNECTS = 60
_ADDRESSES = ("RAY_ADDRESS", "RAY_API_SERVER_ADDRESS")  # Ray takes them before its own argument


def jobs_client(address: str) -> Any:
    """Return Ray's client for the jobs of a cluster.

    Args:
        address: Of the cluster's dashboard: "http://HEAD:8265".

    Raises:
        StudyError: If it is no such address, nothing answers there, it refuses the token, or
            `ray[default]` is not installed.
    """
    host, port = host_and_port(address)
    if not address.startswith(("http://", "https://")) or not host:
        raise StudyError(
            "--address must be that of the cluster's dashboard",
            given=address,
            remedy=f"such as http://127.0.0.1:{_DASHBOARD_PORT}",
        )
    check_address(address if port else f"{host}:{443 if address.startswith('https') else 80}")
    prepare_environment(address=address)
    from ray.exceptions import AuthenticationError
    from ray.job_submission import JobSubmissionClient

    with without_ray_addresses():
        try:
            return JobSubmissionClient(address)
        except AuthenticationError as error:
            raise StudyError(
                "the cluster must accept the token",
                given=f"{address}, and {_first_line(error)}",
                remedy="set RAY_AUTH_TOKEN to the cluster's",
            ) from error
        except (ConnectionError, RuntimeError, OSError) as error:
            raise StudyError(
                "a Ray dashboard with its job server must answer at --address",
                given=f"{address}: {_first_line(error)}",
                remedy="it needs pip install 'joulefront[cluster]', here and on the head",
            ) from error


@contextlib.contextmanager
def without_ray_addresses() -> Iterator[None]:
    """Hide the variables that Ray prefers to the address it is given."""
    hidden = {name: os.environ.pop(name) for name in _ADDRESSES if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)


def job_metadata(store: str) -> dict[str, str]:
    """Return what tells a study's job from others."""
    return {_STORE: store}


def study_jobs(client: Any, study: str) -> list[Any]:
    """Return the jobs that ran a study, the newest last.

    Args:
        client: From `jobs_client`.
        study: The study's store as it was submitted, or the name of a job.

    Raises:
        StudyError: If there is none.
    """
    jobs = client.list_jobs()
    named = [job for job in jobs if job.submission_id == study]
    named = named or [job for job in jobs if (job.metadata or {}).get(_STORE) == study]
    if not named:
        known = sorted({job.metadata[_STORE] for job in jobs if _STORE in (job.metadata or {})})
        raise StudyError(
            "a study must have been submitted to this cluster",
            given=f"{study}; it knows {', '.join(known) or 'none'}",
            remedy="give the --store that it was submitted with",
        )
    return sorted(named, key=lambda job: job.start_time or 0)


def store_of(job: Any) -> str:
    """Return the store of a job's study."""
    return str(job.metadata[_STORE])


def follow(client: Any, job: str, write: Callable[[str], None]) -> Any:
    """Write a job's log as it comes, until the job has ended; a lost connection is made again.

    Args:
        client: From `jobs_client`.
        job: Its name.
        write: Takes each piece of the log, once.

    Returns:
        What Ray knows of the ended job.

    Raises:
        StudyError: If the cluster has not answered for half a minute.
    """
    from aiohttp import ClientError

    written, silent = 0, 0

    async def tail() -> None:
        nonlocal written, silent
        passed = 0
        async for piece in client.tail_job_logs(job):
            silent = 0
            new = piece[max(0, written - passed) :]
            passed += len(piece)
            if new:
                write(new)
                written = passed

    while True:
        try:
            asyncio.run(tail())
            info = client.get_job_info(job)
        except (ClientError, OSError, RuntimeError) as error:
            silent += 1
            if silent > _RECONNECTS:
                raise StudyError(
                    "the cluster must go on answering",
                    given=f"{job}: {_first_line(error)}",
                    remedy="the study may well run on; look with `study status --address`",
                ) from error
        else:
            if info.status.is_terminal():
                return info
        time.sleep(_POLL_SECONDS)


def stop_study(client: Any, study: str) -> list[Any]:
    """End a study's jobs as Ctrl-C would, and wait for them: it can be resumed.

    Returns:
        What Ray knows of the jobs that were stopped; none if all had ended before.

    Raises:
        StudyError: If there is no such study, or its driver has not gone in time.
    """
    running = [job for job in study_jobs(client, study) if not job.status.is_terminal()]
    for job in running:
        client.stop_job(job.submission_id)
    until = time.monotonic() + STOP_SECONDS + 30
    ended = []
    for job in running:
        while not (info := client.get_job_info(job.submission_id)).status.is_terminal():
            if time.monotonic() > until:
                raise StudyError("a stopped study must end", given=f"{job.submission_id} runs on")
            time.sleep(_POLL_SECONDS)
        ended.append(info)
    return ended


def status_there(client: Any, study: str, write: Callable[[str], None]) -> int:
    """Write how a study's jobs are, and what `study status` says on the cluster's head.

    Returns:
        The exit code of that command.

    Raises:
        StudyError: If there is no such study.
    """
    jobs = study_jobs(client, study)
    for job in jobs:
        write(f"{job.submission_id}: {job.status.value}: {job.message or 'no message'}\n")
    command = shlex.join(["study", "status", store_of(jobs[-1])])
    asked = client.submit_job(entrypoint=f"exec {command}")
    while not (info := client.get_job_info(asked)).status.is_terminal():
        time.sleep(_POLL_SECONDS)
    _, _, said = client.get_job_logs(asked).partition(f"{command}\n")
    write(said)
    client.delete_job(asked)
    return int(info.driver_exit_code or 0)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
