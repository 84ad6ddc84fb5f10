"""A study directory: made, opened, written to, read, compacted.

    study.json                             what the study is; the authority, with its checksum
    study.copy.json                        the same once more, read where that one is damaged
    segments/<table>/<writer>-<n>.arrows   Arrow IPC streams, each appended to by one writer
    parquet/<table>-<generation>.parquet   the same rows once more, compacted
    manifest.json                          the generation to read, and what it covers
    checkpoints/<trial_id>/                last checkpoint of each trial (`checkpoints.py`)
    leases/<generation>.json               who drives it (`lease.py`); requests/ to that driver
    logs/                                  what trials printed

Not here: what a study means. The store keeps rows; spec and results know what they stand for.

It lies in a folder or an object store (`places.py`). Segments are the truth and never removed: a
checksum a batch confines damage, while a flipped bit costs a whole Parquet file, the copy that
reads fast. Without it the segments give the same rows. Readers take no lock, also of one that runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from joulefront.errors import StoreReadError, StudyError
from joulefront.spec.nearest import nearest
from joulefront.store.compaction import publish_generation, read_generation, read_manifest
from joulefront.store.durable import seal, unsealed
from joulefront.store.places import Place, place_of, reading
from joulefront.store.reading import POSITION, WRITER, fixed_types, merge, read_segment
from joulefront.store.schema import SCHEMAS, check_table
from joulefront.store.writer import StoreWriter

_FORMAT = 1
_COPY = "study.copy.json"
_ATTEMPTS = 3  # a compactor may replace a generation between its manifest and its file


class StudyStore:
    """One study directory, of which `header` is what `study.json` says, and which lies at `place`.

    A study is named by its path, or by a URI such as "s3://bucket/prefix".

    Several instances, in several processes, may have the same directory open. An instance itself is
    for one thread.
    """

    def __init__(self, place: Place, header: Mapping[str, Any]) -> None:
        self.place = place
        self.header = header
        self._damage: dict[str, None] = {}  # in order of discovery, each once

    @property
    def uri(self) -> str:
        """Where the study lies: an absolute path, or a URI."""
        return self.place.uri

    @property
    def path(self) -> Path:
        """The folder of a local study.

        Raises:
            StudyError: It lies in an object store.
        """
        if self.place.local is None:
            raise StudyError("this must be a study in a folder", given=self.uri)
        return self.place.local

    @classmethod
    def exists(cls, path: str | Path) -> bool:
        """Whether a study was made at `path`; says nothing about its being intact.

        Raises:
            StoreReadError: That cannot be told.
        """
        return _holds(place_of(path), ("study.json", _COPY))

    @classmethod
    def create(cls, path: str | Path, header: Mapping[str, Any]) -> StudyStore:
        """Make a study at `path`, which may be there; of several callers at once, one succeeds.

        `header` holds what JSON knows, without NaN and infinities.

        Raises:
            StudyError: There is a study already, or `path` is no place for one.
            StoreWriteError: The disk is full or read-only, or the object store refuses.
        """
        cls.refuse_existing(path)
        place = place_of(path)
        data = seal({"format": _FORMAT, "study": header})
        if not place.publish("study.json", data, exclusive=True):
            raise _taken(place)
        place.publish(_COPY, data)
        return cls.open(path)

    @classmethod
    def refuse_existing(cls, path: str | Path) -> None:
        """Check that no study, nor the remains of one, lies at `path`.

        Raises:
            StudyError: There is one, or `path` is no place for one.
            StoreReadError: That cannot be told.
        """
        place = place_of(path)
        if _holds(place, ("study.json", _COPY, "segments", "parquet")):
            raise _taken(place)

    @classmethod
    def open(cls, path: str | Path) -> StudyStore:
        """The study at `path`. Nothing that is stored there is executed, now or later.

        Raises:
            StudyError: There is none, which names studies nearby, or `path` is no place for one.
            StoreReadError: `study.json` is damaged, or was made by a later version.
        """
        place = place_of(path)
        damage = []
        try:
            content = _header(place, "study.json")
        except (OSError, StoreReadError) as error:
            try:
                content = _header(place, _COPY)
            except (OSError, StoreReadError):
                raise _unopened(place, error) from None
            damage.append(f"study.json is absent or damaged: {_COPY} was read instead")
        if content.get("format") != _FORMAT or not isinstance(content.get("study"), dict):
            raise StoreReadError(
                f"{_named(place)} must be a study of format {_FORMAT}",
                given=f"format {content.get('format')!r}",
                remedy="open it with the version of joulefront that made it",
            )
        opened = cls(place, content["study"])
        opened._damage.update(dict.fromkeys(damage))
        return opened

    def with_header(self, header: Mapping[str, Any]) -> StudyStore:
        """The same study with another header, which has replaced the stored one as a whole.

        Raises:
            StoreWriteError: The disk is full or read-only; the header is then as it was.
        """
        data = seal({"format": _FORMAT, "study": header})
        for name in ("study.json", _COPY):
            self.place.publish(name, data)
        return StudyStore.open(self.uri)

    def writer(self, guard: Callable[[], None] | None = None) -> StoreWriter:
        """A new writer of this study's segments; take one a process, and close it."""
        return StoreWriter(self.place, guard=guard)

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
        publish_generation(self.place, ((table, *self._gather(table)) for table in SCHEMAS))
        pa.default_memory_pool().release_unused()

    def segment_bytes(self) -> tuple[int, int]:
        """How many bytes of the segments the last generation covers, and how many it does not."""
        try:
            covered = sum(
                sum(entry.covered_bytes.values()) for entry in read_manifest(self.place).values()
            )
        except (StoreReadError, OSError):
            covered = 0
        total = sum(size for _, size in self.place.entries("segments"))
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
        for name, size in self._segments(table).items():
            file = name.rpartition("/")[2]
            before = known.get(file, 0)
            if before > size:
                self._damage[f"{name}: of {before} bytes that were compacted {size} stay"] = None
            if before and size <= before:
                continue
            with reading(self.place, name):
                rows, covered[file], damage = read_segment(self.place, name, before, columns)
            self._damage.update(dict.fromkeys(damage))
            if rows is not None:
                parts.append(rows)
        return merge(table, parts, columns), covered

    def _segments(self, table: str) -> dict[str, int]:
        """Names and bytes of all segments of a table, in order."""
        with reading(self.place, f"segments/{table}"):
            entries = self.place.entries(f"segments/{table}")
        return {name: size for name, size in entries if name.endswith(".arrows")}

    def _generation(
        self, table: str, columns: Sequence[str] | None
    ) -> tuple[pa.Table | None, Mapping[str, int]]:
        """The Parquet rows of `table` and what they cover; (None, {}) if segments must do."""
        entry, reason = None, ""
        wanted = None if columns is None else [*columns, "time", WRITER, POSITION]
        for _ in range(_ATTEMPTS):
            try:
                entry = read_manifest(self.place).get(table)
                if entry is None:
                    return None, {}
                rows, refused = fixed_types(table, read_generation(self.place, entry, wanted))
                for sentence in refused:
                    self._damage[f"parquet/{entry.file}: {sentence}"] = None
                return rows, entry.covered_bytes
            except (StoreReadError, OSError) as error:
                reason = str(error)
        self._damage[f"{reason}; the segments are read instead"] = None
        sizes = self._segments(table)
        for file, covered in entry.covered_bytes.items() if entry else ():
            name = f"segments/{table}/{file}"
            if name not in sizes:
                self._damage[f"{name} is absent: its rows are lost"] = None
            elif (size := sizes[name]) < covered:
                self._damage[f"{name} has {size} of {covered} bytes: rows are lost"] = None
        return None, {}


def _holds(place: Place, names: Sequence[str]) -> bool:
    with reading(place, names[0]):
        return any(place.exists(name) for name in names)


def _header(place: Place, name: str) -> dict[str, Any]:
    return unsealed(place.read(name), f"{_named(place)}/{name}")


def _named(place: Place) -> str:
    """A place as the user has named it."""
    return place.uri if place.local is None else str(place.local)


def _unopened(place: Place, error: OSError | StoreReadError) -> StudyError | StoreReadError:
    """What to say of a place in which neither `study.json` nor its copy can be read."""
    if isinstance(error, StoreReadError):
        return error
    if not isinstance(error, (FileNotFoundError, NotADirectoryError)):
        given = error.strerror or str(error)
        return StoreReadError(f"{_named(place)}/study.json must be readable", given=given)
    if (store := place.local) is None:
        given, remedy = "no study.json there", f"`study launch FILE --store {place.uri}` makes one"
        return StudyError(f"{place.uri} must be a study", given=given, remedy=remedy)
    given = "a file" if store.is_file() else "nothing of that name"
    given = "a folder without study.json" if store.is_dir() else given
    return StudyError(
        f"{store} must be a study directory", given=given, remedy=_studies_near(store)
    )


def _taken(place: Place) -> StudyError:
    given = "a study that was launched before"
    remedy = "continue it with --resume, or give another folder with --store"
    return StudyError(f"{_named(place)} must not hold a study yet", given=given, remedy=remedy)


def _studies_near(path: Path) -> str:
    for folder in (path, path.parent, Path("results")):
        names = sorted(file.parent.name for file in folder.glob("*/study.json"))
        if best := nearest(path.name, names):
            return f"did you mean {folder / best}?"
        if names:
            return f"studies in {folder}: {', '.join(names[:8])}"
    return "`study launch FILE` makes one in results/<name>"
