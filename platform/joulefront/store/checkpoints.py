"""The last checkpoint of each trial: copied into the study whole, checked before it is used.

Not here: what a checkpoint holds. It is a folder of files that the trainable wrote and reads; the
store copies bytes and never unpickles any.

    checkpoints/<trial_id>/<attempt>-<epoch>-<n>/checksums.json
    checkpoints/<trial_id>/<attempt>-<epoch>-<n>/files/...
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from joulefront.errors import StoreReadError, TrainableError
from joulefront.store.durable import publish, seal, sync_folder, unseal, writing
from joulefront.store.schema import check_trial_id

_NAME = re.compile(r"(\d+)-(\d+)-(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A checkpoint whose files all match their checksums: `path` holds them as they were written.

    It was written in this `attempt` of the trial, after this `epoch`, whose report had these
    `metrics`: the report itself may have been lost on its way.
    """

    path: Path
    attempt: int
    epoch: int
    metrics: Mapping[str, Any] = field(default_factory=dict)


def save_checkpoint(
    store_path: Path,
    trial_id: str,
    attempt: int,
    epoch: int,
    source: Path,
    metrics: Mapping[str, Any] | None = None,
) -> Path:
    """Copy the folder `source` into the study; then drop the trial's older checkpoints.

    `metrics` are those that are reported with it: None, truth values, numbers or text by name.

    When this returns (the folder with the copied files), the copy survives a power cut. When it
    raises, the older ones are as they were. One process at a time saves for one trial.

    Raises:
        StudyError: `trial_id` cannot name a folder.
        TrainableError: `source` is no folder, or holds anything but files and folders.
        StoreWriteError: The disk is full, read-only or gone.
    """
    folder = store_path / "checkpoints" / check_trial_id(trial_id)
    names = _regular_files(source)
    older = _saved(folder)
    number = max((key[2] for key, _ in older), default=0) + 1
    target = folder / f"{attempt:04d}-{epoch:06d}-{number:06d}"
    temporary = folder / f".{target.name}.{secrets.token_hex(4)}"
    files = temporary / "files"
    with writing(target):
        try:
            files.mkdir(parents=True)
            checksums = {name: _copy(source / name, files / name) for name in names}
            for inner in (files, *files.rglob("*/")):
                sync_folder(inner)
            told = {"sha256": checksums, "metrics": json.dumps(dict(metrics or {}))}
            publish(temporary / "checksums.json", seal(told))
            temporary.rename(target)
            for outer in (folder,) if older else (folder, folder.parent, store_path):
                sync_folder(outer)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    for _, path in older:
        shutil.rmtree(path, ignore_errors=True)
    return target / "files"


def latest_checkpoint(store_path: Path, trial_id: str) -> Checkpoint | None:
    """The newest checkpoint of the trial that is undamaged, by (attempt, epoch); None without one.

    Raises:
        StudyError: `trial_id` cannot name a folder.
    """
    folder = store_path / "checkpoints" / check_trial_id(trial_id)
    while saved := _saved(folder):
        for (attempt, epoch, _), path in saved:
            told = _sound(path)
            if told is not None:
                metrics = json.loads(told.get("metrics", "{}"))
                return Checkpoint(
                    path=path / "files", attempt=attempt, epoch=epoch, metrics=metrics
                )
        if _saved(folder) == saved:  # otherwise a newer one took their place meanwhile
            return None
    return None


def checkpointed_trials(store_path: Path) -> list[str]:
    """Ids of the trials that have a folder of checkpoints, sorted."""
    folder = store_path / "checkpoints"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def drop_checkpoints(store_path: Path, trial_id: str) -> None:
    """Remove all checkpoints of a trial that will not run again, as far as the disk lets us.

    Raises:
        StudyError: `trial_id` cannot name a folder.
    """
    shutil.rmtree(store_path / "checkpoints" / check_trial_id(trial_id), ignore_errors=True)


def _saved(folder: Path) -> list[tuple[tuple[int, int, int], Path]]:
    """(attempt, epoch, number) and folder of each checkpoint, newest first."""
    names = ((_NAME.fullmatch(path.name), path) for path in folder.glob("*"))
    found = (((int(m[1]), int(m[2]), int(m[3])), path) for m, path in names if m)
    return sorted(found, reverse=True)


def _regular_files(source: Path) -> list[str]:
    if not source.is_dir():
        raise TrainableError("a checkpoint must be a folder that exists", given=str(source))
    files = []
    for path in sorted(source.rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise TrainableError("a checkpoint must hold files and folders only", given=str(path))
        if path.is_file():
            files.append(path.relative_to(source).as_posix())
    return files


def _copy(source: Path, target: Path) -> str:
    """Copy one file durably; the SHA-256 of `source`, so that a bad copy is noticed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return _digest(source)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sound(path: Path) -> dict[str, Any] | None:
    """What stands beside the files of a checkpoint, if it agrees with them."""
    files = path / "files"
    try:
        told = unseal(path / "checksums.json")
        found = {name: _digest(files / name) for name in _regular_files(files)}
        return told if found == dict(told["sha256"]) else None
    except (OSError, StoreReadError, TrainableError, KeyError):
        return None
