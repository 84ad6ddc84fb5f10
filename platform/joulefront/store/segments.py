"""One segment that grows batch by batch: a file, or an object that is put again.

Not here: when it is synced and what becomes of refused rows (`writer.py`), nor the format
(`framing.py`).
"""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from joulefront.store.durable import sync_folder, writing
from joulefront.store.framing import batch_message, schema_message
from joulefront.store.places import Place

if TYPE_CHECKING:
    from joulefront.store.objects import Objects

_FULL_BYTES = 1 << 18  # of an object, which is put whole at every sync


class FileSegment:
    """A file, all of whose batches have the schema `columns`.

    `whole` is False once a part of a batch could not be cut off again.
    """

    full = False

    def __init__(self, path: Path, columns: pa.Schema) -> None:
        self.uri = str(path)
        self.columns = columns
        self.whole = True
        self._path = path
        self._head, self._crc, self._schema = schema_message(columns)
        self._written = 0
        self._named = False  # the file's name survives a power cut
        self._file = _create(path)

    def write(self, batch: pa.RecordBatch, first: int) -> None:
        """Append `batch`, or leave the file as it was and raise OSError."""
        message = batch_message(batch, self._schema, self._crc, first)
        data = message if self._written else self._head + message
        written = 0
        try:
            while written < len(data):
                written += self._file.write(data[written:]) or 0
            self._written += len(data)
        except BaseException:
            self.whole = False
            with contextlib.suppress(OSError):  # what is raised is why the write failed
                self._file.truncate(self._written)
                self._file.seek(self._written)
                self.whole = True
            raise

    def sync(self) -> None:
        """Make the batches survive a power cut, or raise OSError."""
        os.fsync(self._file.fileno())
        if not self._named:
            for folder in self._path.parents[:3]:
                sync_folder(folder)
            self._named = True

    def close(self) -> None:
        """Close the file; may raise OSError."""
        self._file.close()


class ObjectSegment:
    """An object, put whole at every sync until it is full.

    So it grows as a file does, and a reader finds a few hundred objects in a study of days. Each
    put names the version that it replaces: one that was given up, and arrives late, cannot undo
    an acknowledged one.
    """

    whole = True

    def __init__(self, objects: Objects, name: str, columns: pa.Schema) -> None:
        self.uri = f"{objects.uri}/{name}"
        self.columns = columns
        self._objects = objects
        self._name = name
        head, self._crc, self._schema = schema_message(columns)
        self._data = bytearray(head)
        self._version: dict[str, str] | None = None
        self._is_put = True

    @property
    def full(self) -> bool:
        """Whether the next batch belongs into another segment."""
        return len(self._data) >= _FULL_BYTES

    def write(self, batch: pa.RecordBatch, first: int) -> None:
        """Append `batch` to what the next put holds."""
        self._data += batch_message(batch, self._schema, self._crc, first)
        self._is_put = False

    def sync(self) -> None:
        """Put the object; when this returns, every reader sees its batches.

        Raises:
            StoreWriteError: The store refuses.
        """
        if not self._is_put:
            data = bytes(self._data)
            self._version = self._objects.replace(self._name, data, self._version)
            self._is_put = True

    def close(self) -> None:
        """Forget the rows."""
        self._data.clear()


def new_segment(place: Place, name: str, columns: pa.Schema) -> FileSegment | ObjectSegment:
    """An empty segment, `name` being new in the study.

    Raises:
        StoreWriteError: The disk is full, read-only or gone.
    """
    if place.local is None:
        return ObjectSegment(cast("Objects", place), name, columns)
    path = place.local / name
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        return FileSegment(path, columns)


def _create(path: Path) -> io.RawIOBase:
    return path.open("xb", buffering=0)
