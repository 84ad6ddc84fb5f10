"""Send a study to a cluster with Ray Jobs: what goes along, and the command that runs there.

The job is `study launch` on the cluster's head, in a copy of the current folder. The platform is
not sent, nor are results, data and credentials: they are the cluster's.
"""

from __future__ import annotations

import secrets
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from joulefront.errors import StudyError
from joulefront.launch.data_paths import strings
from joulefront.launch.jobs import STOP_SECONDS, job_metadata, without_ray_addresses
from joulefront.spec import StudySpec
from joulefront.store import is_remote

_STAYS = (
    *("/results/", "/data/"),
    *(".git", ".venv/", "venv/", ".env", "__pycache__/", ".ipynb_checkpoints/"),
    *(".hypothesis/", ".mypy_cache/", ".pytest_cache/", ".ruff_cache/"),
)
"""Patterns as in .gitignore, whose own are heeded too; "/" is the folder that is sent."""


def submit_study(
    client: Any, file: Path, spec: StudySpec, *, store: str, arguments: Sequence[str] = ()
) -> str:
    """Submit a study; return the name of its job.

    Args:
        client: From `jobs_client`.
        file: The study file, inside the current folder, which is sent.
        spec: What it says.
        store: Where the study is to lie, as the cluster's hosts name it.
        arguments: Further ones of `study launch`.

    Raises:
        StudyError: If the store or a file is none that the cluster could find, or it refuses.
    """
    check_store(store)
    folder = Path.cwd()
    inside = _inside(folder, file, "the study file")
    python_file, _, _ = spec.trainable.rpartition(":")
    if python_file.endswith(".py"):
        _inside(folder, Path(python_file), "the trainable's file")
    command = ["study", "launch", inside, "--address", "auto", "--store", store, *arguments]
    with without_ray_addresses():
        try:
            job = client.submit_job(
                entrypoint=f"exec {shlex.join(command)}",
                submission_id=f"{spec.name}-{secrets.token_hex(4)}",
                metadata=job_metadata(store),
                runtime_env={
                    "working_dir": str(folder),
                    "excludes": list(excludes(spec, folder)),
                    "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(STOP_SECONDS)},
                },
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise StudyError(
                "the cluster must take the study's folder",
                given=f"{folder}: {str(error).strip()}",
                remedy="list what it does not need in .gitignore",
            ) from error
    return str(job)


def check_store(store: str) -> None:
    """Refuse a store that would mean another place on each host.

    Raises:
        StudyError: If it is neither an absolute path nor a URI.
    """
    if not is_remote(store) and not PurePosixPath(store).is_absolute():
        raise StudyError(
            "--store must be an absolute path on the cluster, or a URI",
            given=store,
            remedy="such as /shared/results/name or s3://bucket/name",
        )


def excludes(spec: StudySpec, folder: Path) -> Iterator[str]:
    """Yield the patterns of what stays here, the study's own data among it."""
    yield from _STAYS
    for value in strings(spec.data):
        path = (folder / value).resolve() if value else folder
        if path.is_dir() and path != folder and path.is_relative_to(folder.resolve()):
            yield f"/{path.relative_to(folder.resolve()).as_posix()}/"


def _inside(folder: Path, path: Path, what: str) -> str:
    resolved = (folder / path).resolve()
    if not resolved.is_relative_to(folder.resolve()):
        raise StudyError(
            f"{what} must lie in the current folder, which is sent to the cluster",
            given=str(path),
            remedy=f"go to the folder that holds it; this is {folder}",
        )
    return resolved.relative_to(folder.resolve()).as_posix()
