"""The ledger in a study's store, as the host's meter reads and writes it; not what it says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from joulefront.energy import Row
from joulefront.energy.node_class import node_class
from joulefront.errors import StoreReadError, StoreWriteError, StudyError
from joulefront.store import StoreWriter, StudyStore

_LATER = frozenset({"sample", "window", "window_open"})  # may wait for the store's next put
_NO_STUDY = (StudyError, StoreReadError)


class Ledger:
    """The ledger of one study: opens a file of its store when there is something to write.

    Args:
        study: Path or URI of the study.

    Attributes:
        wanted: Monotonic time when there last was something to write.
    """

    def __init__(self, study: str) -> None:
        self._study = study
        self._writer: StoreWriter | None = None
        self.wanted = time.monotonic()

    @property
    def is_open(self) -> bool:
        """Whether something was written since it was last closed."""
        return self._writer is not None

    def rows(self) -> list[Row]:
        """Return what was written up to now, by this meter or others; nothing without a study."""
        with suppress(*_NO_STUDY):
            rows = StudyStore.open(self._study).read("ledger").to_pylist()
            return [Row.from_columns(row) for row in rows]
        return []

    def power_model(self) -> Mapping[str, Any] | None:
        """Return the study's, if it is about this kind of machine."""
        with suppress(*_NO_STUDY):
            header = StudyStore.open(self._study).header
            if header.get("node_class") == node_class():
                model: Mapping[str, Any] = header["power_model"]
                return model
        return None

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows.

        Raises:
            StoreWriteError: If there is no such study, or its disk refuses.
        """
        self.wanted = time.monotonic()
        try:
            self._writer = self._writer or StudyStore.open(self._study).writer()
        except _NO_STUDY as error:
            raise StoreWriteError(error.must, given=error.given) from error
        self._writer.append("ledger", [row.to_columns() for row in rows])
        if not _LATER.issuperset(row.kind for row in rows):
            self._writer.flush()

    def close(self) -> None:
        """Make durable what was written; `append` opens it again."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with suppress(StoreWriteError):
                writer.close()
