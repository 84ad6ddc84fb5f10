"""A process that appends rows until it is killed: `python -m … STUDY KIND WRITER`.

A line on standard output acknowledges a row. Every tenth `fsync` of its disk fails.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from itertools import count
from typing import Any

from joulefront.errors import StoreWriteError
from joulefront.store import StoreWriter, StudyStore

_HELD = 2  # rows that the mutant acknowledges before it writes them
_PAUSE = 0.005  # seconds between rows


def main(study: str, kind: str, writer: int) -> None:
    """Append to the table "reports", with new columns now and then, and sync now and then."""
    _trouble_the_disk()
    rows = StudyStore.open(study).writer()
    held: list[dict[str, Any]] = []
    for number in count():
        row = {"writer": writer, "number": number, "text": f"{writer}/{number}"}
        if number % 200 > 160:
            row[f"metric_{number // 200 % 5}"] = 0.5 * number
        if kind == "held_back":
            held.append(row)
            row = held.pop(0) if len(held) > _HELD else {}
        _insist(rows, row)
        os.write(1, b"%d\n" % number)
        time.sleep(_PAUSE)


def _insist(rows: StoreWriter, row: dict[str, Any]) -> None:
    """Append a row until the disk takes it; sync after every seventh."""
    while row:
        try:
            rows.append("reports", [row])
            break
        except StoreWriteError:
            continue
    if row and row["number"] % 7 == 0:
        try:
            rows.sync()
        except StoreWriteError:
            return  # what was appended stays acknowledged


def _trouble_the_disk() -> None:
    calls, fsync = count(1), os.fsync

    def refuse_sometimes(handle: int) -> None:
        if next(calls) % 10 == 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(handle)

    os.fsync = refuse_sometimes  # type: ignore[assignment]


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
