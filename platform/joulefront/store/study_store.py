"""A study directory: made, opened, written to, read, compacted.

    study.json                             what the study is; the authority, with its checksum
    segments/<table>/<writer>-<n>.arrows   Arrow IPC streams, each appended to by one writer
    parquet/<table>-<generation>.parquet   the same rows once more, compacted
    manifest.json                          the generation to read, and what it covers
    checkpoints/<trial_id>/                last checkpoint of each trial (`checkpoints.py`)
    logs/                                  what trials printed

Not here: what a study means. The store keeps rows; spec and results know what they stand for.

Segments are the truth and are never removed; Parquet is a copy that reads fast. Where the manifest
or a Parquet file is absent or damaged, the segments alone give the same rows. Readers take no lock
and may read while the study runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from joulefront.errors import StoreReadError, StudyError
from joulefront.store.checksums import seal, unseal
from joulefront.store.compaction import Coverage, Manifest, publish_generation
from joulefront.store.durable import publish
from joulefront.store.reading import POSITION, WRITER, merge, read_generation, read_segment
from joulefront.store.schema import SCHEMAS
from joulefront.store.writer import StoreWriter

_FORMAT = 1
_ATTEMPTS = 3  # a compactor may replace a generation between its manifest and its file
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


def is_remote(uri: str | Path) -> bool:
    """Whether `uri` names an object store ("s3://bucket/study") and not a local path."""
    return _REMOTE.match(str(uri)) is not None


class StudyStore:
    """One study directory.

    Several instances, in several processes, may have the same directory open. An instance itself is
    for one thread.

    Attributes:
        path: The directory.
        header: What `study.json` says.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self.header = header
        self._damage: dict[str, None] = {}  # in order of discovery, each once

    @classmethod
    def exists(cls, path: str | Path) -> bool:
        """Whether a study was made at `path`; says nothing about its being intact.

        Raises:
            StudyError: `path` names an object store.
        """
        return (_local(path) / "study.json").exists()

    @classmethod
    def create(cls, path: str | Path, header: Mapping[str, Any]) -> StudyStore:
        """Make a study at `path`; of several callers at once, one succeeds.

        Args:
            path: A folder; it may exist, but not hold a study or the remains of one.
            header: What `study.json` is to say; what JSON knows, without NaN and infinities.

        Raises:
            StudyError: There is a study already, or `path` names an object store.
            StoreWriteError: The disk is full or read-only.
        """
        store = _local(path)
        taken = StudyError(
            f"{store} must not hold a study yet",
            given="a study that was launched before",
            remedy="continue it with --resume, or give another folder with --store",
        )
        if any((store / name).exists() for name in ("study.json", "segments", "parquet")):
            raise taken
        try:
            data = seal({"format": _FORMAT, "study": header})
            publish(store / "study.json", data, exclusive=True)
        except FileExistsError:
            raise taken from None
        return cls.open(store)

    @classmethod
    def open(cls, path: str | Path) -> StudyStore:
        """The study at `path`. Nothing that is stored there is executed, now or later.

        Raises:
            StudyError: There is none, or `path` names an object store.
            StoreReadError: `study.json` is damaged, or was made by a later version.
        """
        store = _local(path)
        try:
            content = unseal(store / "study.json")
        except (FileNotFoundError, NotADirectoryError):
            raise StudyError(
                f"{store} must be a study directory",
                given="a folder without study.json" if store.is_dir() else "no such folder",
                remedy="`study launch FILE` makes one under results/",
            ) from None
        except OSError as error:
            raise StoreReadError(
                f"{store}/study.json must be readable", given=error.strerror or str(error)
            ) from error
        if content.get("format") != _FORMAT or not isinstance(content.get("study"), dict):
            raise StoreReadError(
                f"{store} must be a study of format {_FORMAT}",
                given=f"format {content.get('format')!r}",
                remedy="open it with the version of joulefront that made it",
            )
        return cls(store, content["study"])

    def writer(self) -> StoreWriter:
        """A new writer of this study's segments; take one a process, and close it."""
        return StoreWriter(self.path / "segments")

    def read(self, table: str) -> pa.Table:
        """All rows of `table` that are whole, in the order (time, writer, order of appending).

        What had to be dropped is told by `damage`. A study that is running may be read.

        Args:
            table: A key of `SCHEMAS`.

        Returns:
            The fixed columns of `SCHEMAS[table]`, then `params.*`, then all others, both
            alphabetically; null where a row has no value. No rows, no columns but the fixed ones.

        Raises:
            ValueError: There is no such table.
            StoreReadError: A segment cannot be opened, for want of permission or a disk.
        """
        rows, _ = self._gather(table)
        return rows.drop_columns([WRITER, POSITION])

    def compact(self) -> None:
        """Publish all rows as a new Parquet generation, which reads fast.

        Raises:
            StoreWriteError: The disk is full or read-only; the study is as it was.
        """
        publish_generation(self.path, {table: self._gather(table) for table in SCHEMAS})

    def damage(self) -> list[str]:
        """What `read` and `compact` of this instance had to drop or go around, one line each.

        Among them are torn tails, which a killed writer leaves and which hold no acknowledged row.
        """
        return list(self._damage)

    def _gather(self, table: str) -> tuple[pa.Table, dict[str, Coverage]]:
        """All rows with `WRITER` and `POSITION`, and what a generation of them would cover."""
        if table not in SCHEMAS:
            raise ValueError(f"table must be one of {sorted(SCHEMAS)}, but got {table!r}")
        base, known = self._generation(table)
        covered = dict(known)
        parts = []
        for path in sorted((self.path / "segments" / table).glob("*.arrows")):
            rows, covered[path.name] = self._uncovered(path, known.get(path.name))
            if rows is not None:
                parts.append(rows)
        return merge(table, base, parts), covered

    def _uncovered(self, path: Path, known: Coverage | None) -> tuple[pa.Table | None, Coverage]:
        known = known or Coverage(batches=0, bytes=0)
        try:
            if known.bytes and path.stat().st_size == known.bytes:
                return None, known
            segment = read_segment(path, skip_batches=known.batches, skip_bytes=known.bytes)
        except OSError as error:
            raise StoreReadError(
                f"{path} must be readable", given=error.strerror or str(error)
            ) from error
        self._damage.update(dict.fromkeys(segment.damage))
        return segment.rows, Coverage(batches=segment.sound_batches, bytes=segment.sound_bytes)

    def _generation(self, table: str) -> tuple[pa.Table | None, Mapping[str, Coverage]]:
        """The Parquet rows of `table` and what they cover; (None, {}) if segments must do."""
        entry, reason = None, ""
        for _ in range(_ATTEMPTS):
            try:
                entry = Manifest.load(self.path / "manifest.json").tables.get(table)
                if entry is None:
                    return None, {}
                rows = read_generation(self.path / "parquet" / entry.file, entry.sha256)
            except (StoreReadError, ValueError, OSError) as error:
                reason = str(error)
            else:
                return rows, entry.covered
        self._damage[f"{reason}; the segments are read instead"] = None
        for name in entry.covered if entry else ():
            if not (self.path / "segments" / table / name).exists():
                self._damage[f"segments/{table}/{name} is absent: its rows are lost"] = None
        return None, {}


def _local(path: str | Path) -> Path:
    if is_remote(path):
        raise StudyError(
            "a study directory in an object store is not built yet",
            given=str(path),
            remedy="give a local path",
        )
    return Path(path)
