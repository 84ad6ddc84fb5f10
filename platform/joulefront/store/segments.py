"""The segments of one writer and one table: files that grow, and when the disk refuses to.

Not here: the lock and the public face (`writer.py`), the format of a segment (`framing.py`), nor
how it is read (`reading.py`).
"""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa

from joulefront.store.columns import TableColumns, conform
from joulefront.store.durable import sync_folder, writing
from joulefront.store.framing import batch_message, schema_message
from joulefront.store.schema import SCHEMAS

_MOST_UNSYNCED = 1000  # batches of one table kept in memory until they are synced


class _Numbered(NamedTuple):
    """A batch, and how many rows its writer had appended to the table before it."""

    batch: pa.RecordBatch
    first: int


class TableLog:
    """What one writer appends to one table: a segment, and the batches that are not yet safe.

    Not thread-safe. A batch is in one of three states: synced, and no longer in memory; in the open
    segment and `_unsynced`; or acknowledged but `_owed`, to be written once more before anything
    else.
    """

    def __init__(self, table: str, folder: Path, writer_id: str) -> None:
        self._folder = folder
        self._writer_id = writer_id
        self._columns = TableColumns(SCHEMAS[table])
        self._segment: _Segment | None = None
        self._segments = 0
        self._rows = 0
        self._unsynced: list[_Numbered] = []  # in the segment, not yet synced
        self._owed: list[_Numbered] = []  # acknowledged, and to be written once more

    def append(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append `rows` as one batch, or raise StoreWriteError and store none of them."""
        self._pay()
        if len(self._unsynced) >= _MOST_UNSYNCED:
            self.sync()
        batch = self._columns.batch(rows)
        numbered = _Numbered(batch, self._rows)
        self._rows += len(rows)  # counted even if the disk refuses: no number is used twice
        self._put(numbered)

    def sync(self) -> None:
        """Make all batches survive a power cut, or raise StoreWriteError and keep them owed."""
        self._pay()
        self._sync_segment()

    def close(self) -> None:
        """Close the open segment, if there is one; the next append would begin another."""
        if self._segment is not None:
            with contextlib.suppress(OSError):  # the rows are synced, or owed, by now
                self._segment.file.close()
            self._segment = None

    def _sync_segment(self) -> None:
        if self._segment is None or not self._unsynced:
            return
        try:
            with writing(self._segment.path):
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
            self._put(_Numbered(rows.to_batches()[0], first))
            del self._owed[0]

    def _put(self, numbered: _Numbered) -> None:
        segment = self._roll()
        try:
            with writing(segment.path):
                segment.write(*numbered)
        except BaseException:
            if not segment.whole:
                self._abandon()
            raise
        self._unsynced.append(numbered)

    def _roll(self) -> _Segment:
        """The open segment, or the next one if there is none or the columns have changed."""
        if self._segment is not None and self._segment.columns is not self._columns.schema:
            self._sync_segment()
            self.close()
        if self._segment is None:
            path = self._folder / f"{self._writer_id}-{self._segments:06d}.arrows"
            self._segments += 1
            with writing(path):
                self._folder.mkdir(parents=True, exist_ok=True)
                self._segment = _Segment(path, self._columns.schema)
        return self._segment

    def _abandon(self) -> None:
        """Leave the segment as it is; its batches that are not safe go to the next one too."""
        self._owed[:0] = self._unsynced
        self._unsynced.clear()
        self.close()


class _Segment:
    """One file that grows, batch by batch.

    Attributes:
        columns: The schema whose batches it takes.
        whole: False once a part of a batch could not be cut off again.
    """

    def __init__(self, path: Path, columns: pa.Schema) -> None:
        self.path = path
        self.columns = columns
        self.whole = True
        self._head, self._crc, self._schema = schema_message(columns)
        self._written = 0
        self._named = False  # the file's name survives a power cut
        self.file = _create(path)

    def write(self, batch: pa.RecordBatch, first: int) -> None:
        """Append `batch`, or leave the file as it was and raise OSError."""
        message = batch_message(batch, self._schema, self._crc, first)
        data = message if self._written else self._head + message
        written = 0
        try:
            while written < len(data):
                written += self.file.write(data[written:]) or 0
            self._written += len(data)
        except BaseException:
            self.whole = False
            with contextlib.suppress(OSError):  # what is raised is why the write failed
                self.file.truncate(self._written)
                self.file.seek(self._written)
                self.whole = True
            raise

    def sync(self) -> None:
        os.fsync(self.file.fileno())
        if not self._named:
            for folder in (self.path.parent, *self.path.parents[1:3]):
                sync_folder(folder)
            self._named = True


def _create(path: Path) -> io.RawIOBase:
    return path.open("xb", buffering=0)
