"""A study directory: made, opened, written to, read, compacted.

    study.json                             what the study is; the authority, with its checksum
    study.copy.json                        the same once more, read where that one is damaged
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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from joulefront.errors import StoreReadError, StudyError
from joulefront.spec.nearest import nearest
from joulefront.store.compaction import publish_generation, read_generation, read_manifest
from joulefront.store.durable import publish, seal, unseal
from joulefront.store.reading import POSITION, WRITER, fixed_types, merge, read_segment
from joulefront.store.schema import SCHEMAS, check_table
from joulefront.store.writer import StoreWriter

_FORMAT = 1
_COPY = "study.copy.json"
_ATTEMPTS = 3  # a compactor may replace a generation between its manifest and its file
_REMOTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
_SHOWN = 8  # studies named in an error


def is_remote(uri: str | Path) -> bool:
    """Whether `uri` names an object store ("s3://bucket/study") and not a local path."""
    return _REMOTE.match(str(uri)) is not None


class StudyStore:
    """One study directory, of which `header` is what `study.json` says.

    Several instances, in several processes, may have the same directory open. An instance itself is
    for one thread.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self.header = header
        self._damage: dict[str, None] = {}  # in order of discovery, each once

    @classmethod
    def exists(cls, path: str | Path) -> bool:
        """Whether a study was made at `path`; says nothing about its being intact."""
        return any((_local(path) / name).exists() for name in ("study.json", _COPY))

    @classmethod
    def create(cls, path: str | Path, header: Mapping[str, Any]) -> StudyStore:
        """Make a study at `path`, which may be a folder; of several callers at once, one succeeds.

        `header` holds what JSON knows, without NaN and infinities.

        Raises:
            StudyError: There is a study already, or `path` names an object store.
            StoreWriteError: The disk is full or read-only.
        """
        cls.refuse_existing(path)
        store = _local(path)
        data = seal({"format": _FORMAT, "study": header})
        if not publish(store / "study.json", data, exclusive=True):
            raise _taken(store)
        publish(store / _COPY, data)
        return cls.open(store)

    @classmethod
    def refuse_existing(cls, path: str | Path) -> None:
        """Check that no study, nor the remains of one, lies at `path`.

        Raises:
            StudyError: There is one, or `path` names an object store.
        """
        store = _local(path)
        if any((store / name).exists() for name in ("study.json", _COPY, "segments", "parquet")):
            raise _taken(store)

    @classmethod
    def open(cls, path: str | Path) -> StudyStore:
        """The study at `path`. Nothing that is stored there is executed, now or later.

        Raises:
            StudyError: There is none, which names studies nearby, or `path` names an object store.
            StoreReadError: `study.json` is damaged, or was made by a later version.
        """
        store = _local(path)
        damage = []
        try:
            content = unseal(store / "study.json")
        except (OSError, StoreReadError) as error:
            try:
                content = unseal(store / _COPY)
            except (OSError, StoreReadError):
                raise _unopened(store, error) from None
            damage.append(f"study.json is absent or damaged: {_COPY} was read instead")
        if content.get("format") != _FORMAT or not isinstance(content.get("study"), dict):
            raise StoreReadError(
                f"{store} must be a study of format {_FORMAT}",
                given=f"format {content.get('format')!r}",
                remedy="open it with the version of joulefront that made it",
            )
        opened = cls(store, content["study"])
        opened._damage.update(dict.fromkeys(damage))
        return opened

    def with_header(self, header: Mapping[str, Any]) -> StudyStore:
        """The same study with another header, which has replaced the stored one as a whole.

        Raises:
            StoreWriteError: The disk is full or read-only; the header is then as it was.
        """
        data = seal({"format": _FORMAT, "study": header})
        for name in ("study.json", _COPY):
            publish(self.path / name, data)
        return StudyStore.open(self.path)

    def writer(self) -> StoreWriter:
        """A new writer of this study's segments; take one a process, and close it."""
        return StoreWriter(self.path / "segments")

    def read(self, table: str, columns: Sequence[str] | None = None) -> pa.Table:
        """All rows of `table` that are whole, in the order (time, writer, order of appending).

        What had to be dropped is told by `damage`. A study that is running may be read.

        Args:
            table: A key of `SCHEMAS`.
            columns: Only these, in this order, null throughout where no row has one: takes less
                memory. All by default.

        Returns:
            The fixed columns of `SCHEMAS[table]`, then `params.*`, then all others, both
            alphabetically; null where a row has no value. No rows, no columns but the fixed ones.

        Raises:
            ValueError: There is no such table.
            StoreReadError: A segment cannot be opened, for want of permission or a disk.
        """
        rows, _ = self._gather(table, columns)
        return rows.drop_columns([WRITER, POSITION]) if columns is None else rows.select(columns)

    def compact(self) -> None:
        """Publish all rows as a new Parquet generation, which reads fast.

        Raises:
            StoreWriteError: The disk is full or read-only; the study is as it was.
        """
        publish_generation(self.path, {table: self._gather(table) for table in SCHEMAS})

    def segment_bytes(self) -> tuple[int, int]:
        """How many bytes of the segments the last generation covers, and how many it does not."""
        try:
            covered = sum(
                sum(entry.covered_bytes.values()) for entry in read_manifest(self.path).values()
            )
        except (StoreReadError, OSError):
            covered = 0
        total = sum(size for _, size in Files(self.path).entries("segments"))
        return covered, max(0, total - covered)

    def damage(self) -> list[str]:
        """What `read` and `compact` of this instance had to drop or go around, one line each.

        Among them are torn tails, which a killed writer leaves and which hold no acknowledged row.
        """
        return list(self._damage)

    def _gather(
        self, table: str, columns: Sequence[str] | None = None
    ) -> tuple[pa.Table, dict[str, int]]:
        """All rows with `WRITER` and `POSITION`, and the bytes of each segment that these are."""
        check_table(table)
        base, known = self._generation(table, columns)
        parts, covered = [] if base is None else [base], dict(known)
        for path in sorted((self.path / "segments" / table).glob("*.arrows")):
            before, name = known.get(path.name, 0), f"segments/{table}/{path.name}"
            try:
                size = path.stat().st_size
                if before > size:
                    self._damage[f"{name}: of {before} bytes that were compacted {size} stay"] = (
                        None
                    )
                if before and size <= before:
                    continue
                rows, covered[path.name], damage = read_segment(
                    Files(self.path), name, before, columns
                )
            except OSError as error:
                raise StoreReadError(
                    f"{path} must be readable", given=error.strerror or str(error)
                ) from error
            self._damage.update(dict.fromkeys(damage))
            if rows is not None:
                parts.append(rows)
        return merge(table, parts, columns), covered

    def _generation(
        self, table: str, columns: Sequence[str] | None
    ) -> tuple[pa.Table | None, Mapping[str, int]]:
        """The Parquet rows of `table` and what they cover; (None, {}) if segments must do."""
        entry, reason = None, ""
        wanted = None if columns is None else [*columns, "time", WRITER, POSITION]
        for _ in range(_ATTEMPTS):
            try:
                entry = read_manifest(self.path).get(table)
                if entry is None:
                    return None, {}
                rows, refused = fixed_types(table, read_generation(self.path, entry, wanted))
                for sentence in refused:
                    self._damage[f"parquet/{entry.file}: {sentence}"] = None
                return rows, entry.covered_bytes
            except (StoreReadError, OSError) as error:
                reason = str(error)
        self._damage[f"{reason}; the segments are read instead"] = None
        for name, covered in entry.covered_bytes.items() if entry else ():
            segment = self.path / "segments" / table / name
            if not segment.exists():
                self._damage[f"segments/{table}/{name} is absent: its rows are lost"] = None
            elif (size := segment.stat().st_size) < covered:
                told = f"segments/{table}/{name} has {size} of {covered} bytes: rows are lost"
                self._damage[told] = None
        return None, {}


class Files:
    """The files of a folder, by names relative to it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """At most `length` bytes of a file from `start` on."""
        with (self._folder / name).open("rb") as file:
            file.seek(start)
            return file.read(-1 if length is None else length)

    def entries(self, folder: str) -> list[tuple[str, int]]:
        """Names and bytes of all files below `folder`, which may be absent."""
        paths = sorted(path for path in (self._folder / folder).rglob("*") if path.is_file())
        names = [path.relative_to(self._folder).as_posix() for path in paths]
        return [(name, path.stat().st_size) for name, path in zip(names, paths, strict=True)]


def _unopened(store: Path, error: OSError | StoreReadError) -> StudyError | StoreReadError:
    """What to say of a folder in which neither `study.json` nor its copy can be read."""
    if isinstance(error, StoreReadError):
        return error
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        found = "a file" if store.is_file() else "nothing of that name"
        return StudyError(
            f"{store} must be a study directory",
            given="a folder without study.json" if store.is_dir() else found,
            remedy=_studies_near(store),
        )
    return StoreReadError(
        f"{store}/study.json must be readable", given=error.strerror or str(error)
    )


def _taken(store: Path) -> StudyError:
    return StudyError(
        f"{store} must not hold a study yet",
        given="a study that was launched before",
        remedy="continue it with --resume, or give another folder with --store",
    )


def _local(path: str | Path) -> Path:
    if is_remote(path):
        raise StudyError(
            "a study directory in an object store is not built yet",
            given=str(path),
            remedy="give a local path",
        )
    return Path(path)


def _studies_near(path: Path) -> str:
    for folder in (path, path.parent, Path("results")):
        names = sorted(file.parent.name for file in folder.glob("*/study.json"))
        if best := nearest(path.name, names):
            return f"did you mean {folder / best}?"
        if names:
            return f"studies in {folder}: {', '.join(names[:_SHOWN])}"
    return "`study launch FILE` makes one in results/<name>"
