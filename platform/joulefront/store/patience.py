"""Wait on a full disk: a study pauses, says so, and goes on when there is room.

Only a disk or a quota that is full is waited for; whatever else refuses is raised at once.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from joulefront.errors import StoreWriteError
from joulefront.store.writer import StoreWriter

Result = TypeVar("Result")

_LOOK_SECONDS = 1.0
_FULL = (errno.ENOSPC, errno.EDQUOT)


def is_full(error: StoreWriteError) -> bool:
    """Whether the disk refused for want of room."""
    return isinstance(error.__cause__, OSError) and error.__cause__.errno in _FULL


def patiently(
    write: Callable[[], Result],
    *,
    tell: Callable[[str], None],
    given_up: Callable[[], bool] = lambda: False,
    sleep: Callable[[float], None] = time.sleep,
) -> Result:
    """Call `write` again, about once a second, for as long as the disk is full.

    Args:
        write: May be called again after it has raised.
        tell: Is told once that there is no room, and once that it goes on.
        given_up: Whether to raise instead of waiting on.
        sleep: Waits for seconds.

    Raises:
        StoreWriteError: The disk refuses for another reason, or it is given up.
    """
    paused = False
    while True:
        try:
            result = write()
        except StoreWriteError as error:
            if not is_full(error) or given_up():
                raise
            if not paused:
                tell(f"the disk is full, the study waits for room: {error.must}")
            paused = True
            sleep(_LOOK_SECONDS)
        else:
            if paused:
                tell("there is room on the disk again, the study goes on")
            return result


class PatientWriter:
    """A `StoreWriter` that waits while the disk is full.

    Args:
        writer: Which writes.
        tell: As that of `patiently`.

    Attributes:
        given_up: As that of `patiently`.
    """

    def __init__(self, writer: StoreWriter, *, tell: Callable[[str], None]) -> None:
        self._writer = writer
        self._tell = tell
        self.given_up: Callable[[], bool] = lambda: False

    def append(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """As `StoreWriter.append`."""
        self._patiently(lambda: self._writer.append(table, rows))

    def sync(self) -> None:
        """As `StoreWriter.sync`."""
        self._patiently(self._writer.sync)

    def flush(self) -> None:
        """As `StoreWriter.flush`."""
        self._patiently(self._writer.flush)

    def _patiently(self, write: Callable[[], None]) -> None:
        patiently(write, tell=self._tell, given_up=self.given_up)
