"""The last checkpoint of each trial: copied into the study whole, checked before it is used.

Not here: what a checkpoint holds. It is a folder of files that the trainable wrote and reads; the
store copies bytes and never unpickles any. In a folder a checkpoint appears as a whole; in an
object store its checksums come last, and without them it is none.

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
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from joulefront.errors import StoreReadError, StoreWriteError, TrainableError
from joulefront.store.durable import publish, seal, sync_folder, unsealed, writing
from joulefront.store.places import Place, is_remote, place_of, reading
from joulefront.store.schema import check_trial_id

if TYPE_CHECKING:
    from joulefront.store.objects import Objects

_CHUNK = 1 << 24  # bytes that are read at once
_NAME = re.compile(r"(\d+)-(\d+)-(\d+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A checkpoint whose files all match their checksums: `uri` holds them as they were written.

    It was written in this `attempt` of the trial, after this `epoch`, whose report had these
    `metrics`: the report itself may have been lost on its way.
    """

    uri: str
    attempt: int
    epoch: int
    metrics: Mapping[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        """The folder of the files, where the study lies in a folder."""
        return Path(self.uri)


def save_checkpoint(
    store: str | Path,
    trial_id: str,
    attempt: int,
    epoch: int,
    source: Path,
    metrics: Mapping[str, Any] | None = None,
) -> str:
    """Copy the folder `source` into the study; then drop the trial's older checkpoints.

    When this returns (the path or URI of the copied files), the copy survives a power cut. When it
    raises, the older ones are as they were. One process at a time saves for one attempt; that of an
    earlier attempt, which may live on for a moment, takes nothing from a later one.

    Args:
        store: Path or URI of the study.
        trial_id: Of the trial.
        attempt: Of the trial.
        epoch: After which it was written.
        source: The folder.
        metrics: Reported with it: None, truth values, numbers or text by name.

    Raises:
        StudyError: `trial_id` cannot name a folder.
        TrainableError: `source` is no folder, or holds anything but files and folders.
        StoreWriteError: The disk is full, read-only or gone, or the object store refuses.
    """
    place, folder = place_of(store), _folder(trial_id)
    names = _regular_files(source)
    with writing(f"{place.uri}/{folder}"):
        saved = _saved(place, folder)
    number = max((key[2] for key, _ in saved), default=0) + 1
    target = f"{folder}/{attempt:04d}-{epoch:06d}-{number:06d}"
    told = json.dumps(dict(metrics or {}))
    if place.local is None:
        _upload(cast("Objects", place), target, source, names, told)
    else:
        _copy_folder(place.local, target, source, names, told)
    for key, name in saved:
        if key < (attempt, epoch, number):
            with suppress(StoreWriteError):
                place.remove(name)
    return f"{place.uri}/{target}/files"


def latest_checkpoint(store: str | Path, trial_id: str) -> Checkpoint | None:
    """The newest checkpoint of the trial that is undamaged, by (attempt, epoch); None without one.

    Raises:
        StudyError: `trial_id` cannot name a folder.
        StoreReadError: The object store does not answer.
    """
    place, folder = place_of(store), _folder(trial_id)
    while saved := _listed(place, folder):
        for (attempt, epoch, _), name in saved:
            told = _sound(place, name)
            if told is not None:
                metrics = json.loads(told.get("metrics", "{}"))
                uri = f"{place.uri}/{name}/files"
                return Checkpoint(uri=uri, attempt=attempt, epoch=epoch, metrics=metrics)
        if _listed(place, folder) == saved:  # otherwise a newer one took their place meanwhile
            return None
    return None


@contextmanager
def fetched(uri: str) -> Iterator[Path]:
    """A folder with the files of a checkpoint: its own, or a copy for as long as it is needed.

    Args:
        uri: As `Checkpoint` has it.

    Raises:
        StoreReadError: It cannot be fetched, or was damaged on the way.
    """
    if not is_remote(uri):
        yield Path(uri)
        return
    place = place_of(uri.removesuffix("/files"))
    with tempfile.TemporaryDirectory(prefix="joulefront-checkpoint-") as scratch:
        told = _sound(place, "", Path(scratch))
        if told is None:
            raise StoreReadError(
                f"{uri} must be a whole checkpoint",
                given="one that is absent or damaged",
                remedy="run again with --resume, which goes on from a whole one",
            )
        yield Path(scratch)


def checkpointed_trials(store: str | Path) -> list[str]:
    """Ids of the trials that have checkpoints, sorted.

    Raises:
        StoreReadError: The object store does not answer.
    """
    place = place_of(store)
    if place.local is not None:
        folder = place.local / "checkpoints"
        return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    with reading(place, "checkpoints"):
        return sorted({name.split("/")[1] for name, _ in place.entries("checkpoints")})


def drop_checkpoints(store: str | Path, trial_id: str) -> None:
    """Remove all checkpoints of a trial that will not run again, as far as the store lets us.

    Raises:
        StudyError: `trial_id` cannot name a folder.
    """
    with suppress(StoreWriteError):
        place_of(store).remove(_folder(trial_id))


def _folder(trial_id: str) -> str:
    return f"checkpoints/{check_trial_id(trial_id)}"


def _listed(place: Place, folder: str) -> list[tuple[tuple[int, int, int], str]]:
    with reading(place, folder):
        return _saved(place, folder)


def _saved(place: Place, folder: str) -> list[tuple[tuple[int, int, int], str]]:
    """(attempt, epoch, number) and name of each checkpoint, newest first."""
    names = {"/".join(entry.name.split("/")[:3]) for entry in place.entries(folder)}
    matches = ((_NAME.fullmatch(name.rpartition("/")[2]), name) for name in names)
    found = (((int(m[1]), int(m[2]), int(m[3])), name) for m, name in matches if m)
    return sorted(found, reverse=True)


def _upload(place: Objects, target: str, source: Path, names: list[str], metrics: str) -> None:
    try:
        for name in names:
            place.upload(f"{target}/files/{name}", source / name)
        told = {"sha256": {name: _digest(source / name) for name in names}, "metrics": metrics}
        place.publish(f"{target}/checksums.json", seal(told))
    except BaseException:
        with suppress(StoreWriteError):
            place.remove(target)
        raise


def _copy_folder(
    store: Path, target_name: str, source: Path, names: list[str], metrics: str
) -> None:
    target = store / target_name
    folder = target.parent
    is_first = not folder.exists()
    temporary = folder / f".{target.name}.{secrets.token_hex(4)}"
    files = temporary / "files"
    with writing(target):
        try:
            files.mkdir(parents=True)
            checksums = {name: _copy(source / name, files / name) for name in names}
            for inner in (files, *files.rglob("*/")):
                sync_folder(inner)
            told = {"sha256": checksums, "metrics": metrics}
            publish(temporary / "checksums.json", seal(told))
            temporary.rename(target)
            for outer in (folder, folder.parent, store) if is_first else (folder,):
                sync_folder(outer)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


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


def _sound(place: Place, name: str, copy: Path | None = None) -> dict[str, Any] | None:
    """What stands beside the files of a checkpoint, if it agrees with them.

    `copy` is an empty folder for what is read, which is worth nothing without an answer.
    """
    base = f"{name}/" if name else ""
    try:
        told = unsealed(place.read(f"{base}checksums.json"), name)
        if place.local is not None:
            names = _regular_files(place.local / name / "files")
        else:
            names = [e.name.removeprefix(f"{base}files/") for e in place.entries(f"{base}files")]
        if sorted(names) != sorted(told["sha256"]):
            return None
        found = {one: _read_digest(place, f"{base}files/{one}", one, copy) for one in names}
        return told if found == dict(told["sha256"]) else None
    except (OSError, StoreReadError, TrainableError, KeyError, TypeError):
        return None


def _read_digest(place: Place, name: str, inner: str, copy: Path | None) -> str:
    """The SHA-256 of a stored file, which is read in chunks, into a folder if there is one."""
    if ".." in inner.split("/") or inner.startswith("/"):
        raise TypeError(inner)
    digest, start = hashlib.sha256(), 0
    with ExitStack() as stack:
        file = None
        if copy is not None:
            (copy / inner).parent.mkdir(parents=True, exist_ok=True)
            file = stack.enter_context((copy / inner).open("xb"))
        while data := place.read(name, start, _CHUNK):
            digest.update(data)
            start += len(data)
            if file is not None:
                file.write(data)
    return digest.hexdigest()
