"""The writer of a study: one lock around one log a table, whose segments grow batch by batch.

Not here: the segments themselves (`segments.py`), nor how they are read (`reading.py`).
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import pyarrow as pa

from joulefront.errors import LeaseLost, StoreReadError, StoreWriteError
from joulefront.store.columns import TableColumns, conform
from joulefront.store.durable import writing
from joulefront.store.places import Place
from joulefront.store.schema import SCHEMAS, check_table
from joulefront.store.segments import FileSegment, ObjectSegment, new_segment

_MOST_UNSYNCED = 1000  # batches of one table kept in memory until they are synced
_PUT_SECONDS = 1.0  # after a row is appended, in an object store

_Numbered = tuple[pa.RecordBatch, int]  # and how many rows were appended to the table before it


class StoreWriter:
    """Appends rows to the tables of one study.

    In a folder a row is *acknowledged* when `append` returns: it then survives the death of this
    process, and every reader sees it. It survives a power cut once `sync` has returned. In an
    object store all of that holds once `flush` or `sync` has returned, or a put that comes by
    itself a second later. One call of `append` is one batch: a reader sees all of its rows or none.

    Any thread may call any method. An instance belongs to one process: it is neither pickled nor
    used after a fork. Any number of processes and hosts may write to one study at once, each
    through a writer of its own: no two writers share a file.

    When the disk refuses, `append` cuts the file back to its last whole batch and raises: what was
    acknowledged before stays, and the same call may be made again. When `sync` raises, the batches
    since the last sync stay visible, are also kept in memory, and go to a new file with the next
    call of either; readers count a batch that stands in two files once.

    Args:
        place: Of the study.
        writer_id: Unique among all writers of the study; by default host, process and random.
        guard: Called before anything is written, and raises what forbids it (`LeaseLost`).
    """

    def __init__(
        self,
        place: Place,
        writer_id: str | None = None,
        *,
        guard: Callable[[], None] | None = None,
    ) -> None:
        host = re.sub(r"[^A-Za-z0-9]+", "_", socket.gethostname())[:64]
        self.writer_id = writer_id or f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
        self._place = place
        self._guard = guard or _unguarded
        self._lock = threading.Lock()
        self._logs: dict[str, _TableLog] = {}
        self._closed = False
        self._put: threading.Timer | None = None

    def append(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append `rows` as one batch and hand it to the operating system; no rows, no batch.

        Args:
            table: A key of `SCHEMAS`.
            rows: Column name -> None, bool, int, float or str. A row without `time` is stamped
                with the current one. New columns and wider types are welcome.

        Raises:
            StoreWriteError: A value cannot be stored, or the disk is full, read-only or gone. None
                of `rows` is stored; the writer stays usable.
            ValueError: There is no such table, or the writer is closed.
        """
        check_table(table)
        with self._lock:
            self._check_open()
            self._guard()
            if table not in self._logs:
                self._logs[table] = _TableLog(table, self._place, self.writer_id)
            if rows:
                self._logs[table].append(rows)
                self._put_later()

    def flush(self) -> None:
        """Make every row that was appended survive this process: only object stores need it.

        Raises:
            StoreWriteError: As `sync` does.
            ValueError: The writer is closed.
        """
        if self._place.local is None:
            self.sync()

    def sync(self) -> None:
        """Make every row that was appended survive a power cut.

        Raises:
            StoreWriteError: The disk refuses; the rows are kept, and the next call tries again.
            ValueError: The writer is closed.
        """
        with self._lock:
            self._check_open()
            self._sync()

    def close(self) -> None:
        """Sync and close; a second call does nothing.

        Raises:
            StoreWriteError: As `sync` does; the writer is closed all the same.
        """
        with self._lock:
            if self._closed:
                return
            self._closed = True
            try:
                self._sync()
            finally:
                for log in self._logs.values():
                    log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sync(self) -> None:
        self._guard()
        for log in self._logs.values():
            log.sync()

    def _put_later(self) -> None:
        if self._place.local is None and self._put is None:
            self._put = threading.Timer(_PUT_SECONDS, self._put_now)
            self._put.daemon = True
            self._put.start()

    def _put_now(self) -> None:
        with self._lock:
            self._put = None
            if self._closed:
                return
            try:
                self._sync()
            except LeaseLost:  # whoever appends or syncs next is told
                return
            except (StoreReadError, StoreWriteError):
                self._put_later()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the writer is closed: take another one from StudyStore.writer()")


def _unguarded() -> None:
    """Forbid nothing."""


class _TableLog:
    """What one writer appends to one table: a segment, and the batches that are not yet safe.

    A batch is in one of three states: synced, and no longer in memory; in the open
    segment and `_unsynced`; or acknowledged but `_owed`, to be written once more before anything
    else.
    """

    def __init__(self, table: str, place: Place, writer_id: str) -> None:
        self._place = place
        self._stem = f"segments/{table}/{writer_id}"
        self._columns = TableColumns(SCHEMAS[table])
        self._segment: FileSegment | ObjectSegment | None = None
        self._segments = 0
        self._rows = 0
        self._unsynced: list[_Numbered] = []
        self._owed: list[_Numbered] = []

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._pay()
        if len(self._unsynced) >= _MOST_UNSYNCED:
            self._sync_segment()
        batch = self._columns.batch(rows)
        first = self._rows
        self._rows += len(rows)  # counted even if the disk refuses: no number is used twice
        self._put(batch, first)

    def sync(self) -> None:
        self._pay()
        self._sync_segment()

    def close(self) -> None:
        if self._segment is not None:
            with contextlib.suppress(OSError):  # the rows are synced, or owed, by now
                self._segment.close()
            self._segment = None

    def _sync_segment(self) -> None:
        if self._segment is None or not self._unsynced:
            return
        try:
            with writing(self._segment.uri):
                self._segment.sync()
        except BaseException:
            # After a failed fsync the kernel may forget the pages and call them clean.
            self._abandon()
            raise
        self._unsynced.clear()

    def _pay(self) -> None:
        while self._owed:
            batch, first = self._owed[0]
            rows = conform(pa.Table.from_batches([batch]), self._columns.schema).combine_chunks()
            self._put(rows.to_batches()[0], first)
            del self._owed[0]

    def _put(self, batch: pa.RecordBatch, first: int) -> None:
        segment = self._roll()
        try:
            with writing(segment.uri):
                segment.write(batch, first)
        except BaseException:
            if not segment.whole:
                self._abandon()
            raise
        self._unsynced.append((batch, first))

    def _roll(self) -> FileSegment | ObjectSegment:
        """The open segment, or the next one if there is none, or this one cannot go on."""
        open_one = self._segment
        if open_one and (open_one.full or open_one.columns is not self._columns.schema):
            self._sync_segment()
            self.close()
        if self._segment is None:
            name = f"{self._stem}-{self._segments:06d}.arrows"
            self._segments += 1
            self._segment = new_segment(self._place, name, self._columns.schema)
        return self._segment

    def _abandon(self) -> None:
        """Leave the segment as it is; its batches that are not safe go to the next one too."""
        self._owed[:0] = self._unsynced
        self._unsynced.clear()
        self.close()
