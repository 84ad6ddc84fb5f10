"""Threads of this process that were there before its first trial, and work for somebody else.

A Ray worker has some thirty of them, for its messages. They are neither pinned to a trial's cores,
where they would stand in its way, nor is their waiting the trial's.
"""

from __future__ import annotations

import os
import threading

_TASKS = "/proc/self/task"
_first: list[frozenset[int]] = []


def strange_threads() -> frozenset[int]:
    """Return the ids of the threads that existed when this was first asked, less the caller's.

    None of them where there is no `/proc`.
    """
    if not _first:
        _first.append(
            frozenset(map(int, os.listdir(_TASKS))) if os.path.isdir(_TASKS) else frozenset()
        )
    return _first[0] - {threading.get_native_id()}
