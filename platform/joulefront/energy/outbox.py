"""Rows of one study's ledger on their way to its store, kept as long as that cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from joulefront.energy.ledger import Row
from joulefront.errors import StoreWriteError

MOST_ROWS = 10_000  # some 5 MB; nearly three hours of samples
Write = Callable[[Sequence[Row]], None]


class Outbox:
    """Rows that are not written yet.

    Args:
        write: Appends rows to the study's store.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._rows: list[Row] = []

    def add(self, row: Row) -> None:
        """Keep a row for the next `flush`.

        When there are too many, every second sample is dropped: counters are cumulative, so that
        only the times are less exact. If that is not enough, the oldest rows go, but not the first,
        which says who measures.
        """
        self._rows.append(row)
        if len(self._rows) > MOST_ROWS:
            samples = [row for row in self._rows if row.kind == "sample"]
            dropped = set(map(id, samples[:-1:2]))
            self._rows = [row for row in self._rows if id(row) not in dropped]
            del self._rows[1 : 1 + max(0, len(self._rows) - MOST_ROWS)]

    def flush(self) -> None:
        """Write the rows; if the store refuses them, they stay for the next time."""
        if not self._rows:
            return
        try:
            self._write(tuple(self._rows))
        except (OSError, StoreWriteError):
            return
        self._rows.clear()
