"""The last checkpoint of each trial: copied into the study whole, checked before it is used.

Not here: what a checkpoint holds. It is a folder of files that the trainable wrote and reads; the
store copies bytes and never unpickles any.

    checkpoints/<trial_id>/<attempt>-<epoch>-<n>/checksums.json
    checkpoints/<trial_id>/<attempt>-<epoch>-<n>/files/...
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path

from joulefront.errors import StoreReadError, TrainableError
from joulefront.store.checksums import file_digest, seal, unseal
from joulefront.store.durable import publish, sync_folder, writing
from joulefront.store.schema import check_trial_id

_NAME = re.compile(r"(\d+)-(\d+)-(\d+)")
_PIECE = 2**20  # bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A checkpoint whose files all match their checksums.

    Attributes:
        path: The folder with the files as the trainable wrote them.
        attempt: Which attempt of the trial wrote it.
        epoch: After which epoch.
    """

    path: Path
    attempt: int
    epoch: int


def save_checkpoint(
    store_path: Path, trial_id: str, attempt: int, epoch: int, source: Path
) -> Path:
    """Copy the folder `source` into the study; then drop the trial's older checkpoints.

    When this returns, the copy survives a power cut. When it raises, the older ones are as they
    were. One process at a time saves for one trial.

    Returns:
        The folder with the copied files; `source` is left as it is.

    Raises:
        StudyError: `trial_id` cannot name a folder.
        TrainableError: `source` is no folder, or holds anything but files and folders.
        StoreWriteError: The disk is full, read-only or gone.
    """
    folder = store_path / "checkpoints" / check_trial_id(trial_id)
    files = _regular_files(source)
    older = _saved(folder)
    number = max((key[2] for key, _ in older), default=0) + 1
    target = folder / f"{attempt:04d}-{epoch:06d}-{number:06d}"
    temporary = folder / f".{target.name}.{secrets.token_hex(4)}"
    with writing(target):
        try:
            (temporary / "files").mkdir(parents=True)
            checksums = {name: _copy(source / name, temporary / "files" / name) for name in files}
            publish(temporary / "checksums.json", seal({"sha256": checksums}))
            for inner in (temporary / "files").rglob("*/"):
                sync_folder(inner)
            sync_folder(temporary / "files")
            temporary.rename(target)
            sync_folder(folder)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
    for _, path in older:
        shutil.rmtree(path, ignore_errors=True)
    return target / "files"


def latest_checkpoint(store_path: Path, trial_id: str) -> Checkpoint | None:
    """The newest checkpoint of the trial that is undamaged, by (attempt, epoch); None without one.

    Every file is read and checked, so it takes as long as reading it.

    Raises:
        StudyError: `trial_id` cannot name a folder.
    """
    folder = store_path / "checkpoints" / check_trial_id(trial_id)
    while saved := _saved(folder):
        for (attempt, epoch, _), path in saved:
            if _is_sound(path):
                return Checkpoint(path=path / "files", attempt=attempt, epoch=epoch)
        if _saved(folder) == saved:  # otherwise a newer one took their place meanwhile
            return None
    return None


def _saved(folder: Path) -> list[tuple[tuple[int, int, int], Path]]:
    """(attempt, epoch, number) and folder of each checkpoint, newest first."""
    if not folder.is_dir():
        return []
    names = ((_NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return sorted(
        (((int(m[1]), int(m[2]), int(m[3])), path) for m, path in names if m), reverse=True
    )


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
    """Copy one file durably; the SHA-256 of what was read."""
    target.parent.mkdir(parents=True, exist_ok=True)
    checksum = hashlib.sha256()
    with source.open("rb") as reader, target.open("xb") as writer:
        while piece := reader.read(_PIECE):
            checksum.update(piece)
            writer.write(piece)
        writer.flush()
        os.fsync(writer.fileno())
    return checksum.hexdigest()


def _is_sound(path: Path) -> bool:
    try:
        checksums = unseal(path / "checksums.json")["sha256"]
        names = set(_regular_files(path / "files"))
        return names == set(checksums) and all(
            file_digest(path / "files" / name) == checksums[name] for name in names
        )
    except (OSError, StoreReadError, TrainableError, KeyError):
        return False
