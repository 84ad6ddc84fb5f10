"""The writer of a study: one lock around one log a table.

Not here: what happens to a file when the disk refuses (`segments.py`), nor reading (`reading.py`).
"""

from __future__ import annotations

import os
import re
import secrets
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from joulefront.store.schema import SCHEMAS
from joulefront.store.segments import TableLog


class StoreWriter:
    """Appends rows to the tables of one study.

    A row is *acknowledged* when `append` returns: it then survives the death of this process, and
    every reader sees it. It survives a power cut once `sync` has returned. One call of `append` is
    one batch: a reader sees all of its rows or none.

    **Thread safety.** Any thread may call any method: one lock serialises them, and two calls of
    `append` never mix their rows. An instance belongs to one process: it is neither pickled nor
    used after a fork. Any number of processes and hosts may write to one study at once, each
    through a writer of its own: no two writers share a file.

    **When the disk refuses.** `append` cuts the file back to its last whole batch and raises: none
    of its rows is stored, what was acknowledged before stays, and the same call may be made again.
    When `sync` raises, the batches since the last sync stay visible, are also kept in memory, and
    go to a new file with the next call of either; readers count a batch that stands in two files
    once.

    Args:
        folder: The study's folder of segments; it is made with the first row.
        writer_id: Unique among all writers of the study, without "/"; by default made of host,
            process id and random digits.
    """

    def __init__(self, folder: Path, writer_id: str | None = None) -> None:
        self.writer_id = writer_id or _new_writer_id()
        self._folder = folder
        self._lock = threading.Lock()
        self._logs: dict[str, TableLog] = {}
        self._closed = False

    def append(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append `rows` as one batch and hand it to the operating system; no rows, no batch.

        Args:
            table: A key of `SCHEMAS`.
            rows: Column name -> None, bool, int, float, str or a list of such. A row without
                `time` is stamped with the current one. New columns and wider types are welcome.

        Raises:
            StoreWriteError: A value cannot be stored, or the disk is full, read-only or gone. None
                of `rows` is stored; the writer stays usable.
            ValueError: There is no such table, or the writer is closed.
        """
        if table not in SCHEMAS:
            raise ValueError(f"table must be one of {sorted(SCHEMAS)}, but got {table!r}")
        with self._lock:
            self._check_open()
            if table not in self._logs:
                self._logs[table] = TableLog(table, self._folder / table, self.writer_id)
            if rows:
                self._logs[table].append(rows)

    def sync(self) -> None:
        """Make every row that was appended survive a power cut.

        Raises:
            StoreWriteError: The disk refuses; the rows are kept, and the next call tries again.
            ValueError: The writer is closed.
        """
        with self._lock:
            self._check_open()
            for log in self._logs.values():
                log.sync()

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
                for log in self._logs.values():
                    log.sync()
            finally:
                for log in self._logs.values():
                    log.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the writer is closed: take another one from StudyStore.writer()")


def _new_writer_id() -> str:
    host = re.sub(r"[^A-Za-z0-9]+", "_", socket.gethostname())[:64]
    return f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
