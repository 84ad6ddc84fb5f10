"""`study …` in a process that kills itself with SIGKILL: `python -m … PLAN ARGUMENTS`.

PLAN is JSON: `study` (its directory), `boundary` (the number of the write boundary to die at; None
lives), `count` (a file that gets the number of boundaries passed), `fault` (of a mutant). A
boundary is just before or just after each call that writes: `append` and `sync` of the store's
writer, and `fsync`, `replace`, `rename` and `link` of the operating system, where they touch the
study. One more lies in the middle of the bytes that an `append` writes: what it leaves is torn.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from itertools import count
from pathlib import Path
from typing import Any


def main() -> None:
    """Wrap what writes, and run the command line."""
    plan = json.loads(sys.argv[1])
    sys.argv[1:] = sys.argv[2:]
    _wrap(plan)
    if plan.get("fault"):
        _FAULTS[plan["fault"]]()
    (command,) = entry_points(group="console_scripts", name="study")
    command.load()()


def _wrap(plan: dict[str, Any]) -> None:
    from joulefront.store import StoreWriter

    study, numbers = str(Path(plan["study"]).absolute()), count()

    def boundary() -> None:
        number = next(numbers)
        if plan.get("count"):
            Path(plan["count"]).write_text(str(number + 1))
        if number == plan.get("boundary"):
            os.kill(os.getpid(), signal.SIGKILL)

    def around(call: Callable[..., Any], concerns: Callable[..., bool]) -> Callable[..., Any]:
        def wrapped(*arguments: Any, **named: Any) -> Any:
            if not concerns(*arguments, **named):
                return call(*arguments, **named)
            boundary()
            result = call(*arguments, **named)
            boundary()
            return result

        return wrapped

    def names_study(*arguments: Any, **_: Any) -> bool:
        return any(str(argument).startswith(study) for argument in arguments)

    def of_study(handle: int) -> bool:
        return os.readlink(f"/proc/self/fd/{handle}").startswith(study)

    for name in ("replace", "rename", "link"):
        setattr(os, name, around(getattr(os, name), names_study))
    os.fsync = around(os.fsync, of_study)
    for name in ("append", "sync"):
        setattr(StoreWriter, name, around(getattr(StoreWriter, name), lambda *_: True))
    segments: Any = import_module("joulefront.store.segments")
    create = segments._create
    segments._create = lambda path: _Halving(create(path), boundary)


class _Halving:
    """A file that takes what is written into it in two parts, with a boundary between them."""

    def __init__(self, file: Any, boundary: Callable[[], None]) -> None:
        self._file = file
        self._boundary = boundary
        self._is_begun = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, data: bytes) -> int:
        """Write the first half of the data, and at the next call what is left of it."""
        self._is_begun = not self._is_begun
        written: int = self._file.write(data[: len(data) // 2] if self._is_begun else data)
        if self._is_begun:
            self._boundary()
        return written


def _naive() -> None:
    """Let a resumed search begin at its first proposal again, as a replayed sampler does."""
    study: Any = import_module("joulefront.launch.study")
    from joulefront.launch.agenda import Agenda
    from joulefront.launch.restoring import restore

    def forgetful(agenda: Agenda, *others: Any) -> Any:
        restored = restore(agenda, *others)
        agenda.proposals = 0
        return restored

    study.restore = forgetful


def _lossy() -> None:
    """Let the store lose the last end of its trials."""
    from joulefront.store import StudyStore

    read = StudyStore.read

    def lossy(self: Any, table: str, *others: Any, **named: Any) -> Any:
        rows = read(self, table, *others, **named)
        if table != "trials" or "kind" not in rows.column_names:
            return rows
        kinds = rows["kind"].to_pylist()
        lost = [number for number, kind in enumerate(kinds) if kind == "end"][-1:]
        return rows.take([number for number in range(len(kinds)) if number not in lost])

    StudyStore.read = lossy  # type: ignore[method-assign]


def _unbilled() -> None:
    """Charge nobody for the attempts that were lost with their driver."""
    from joulefront.launch.recorder import Recorder

    lost, write = Recorder.lost, Recorder._write_energy

    def free(self: Any, *arguments: Any, **named: Any) -> None:
        Recorder._write_energy = lambda *_: None  # type: ignore[method-assign]
        try:
            lost(self, *arguments, **named)
        finally:
            Recorder._write_energy = write  # type: ignore[method-assign]

    Recorder.lost = free  # type: ignore[method-assign]


def _node_is_failure() -> None:
    """Count a node that was lost as a failure of its trial."""
    from joulefront.launch.endings import Endings

    Endings._end_with_node = lambda *_: False  # type: ignore[method-assign]


_FAULTS: dict[str, Callable[[], None]] = {
    "lossy": _lossy,
    "naive": _naive,
    "node_is_failure": _node_is_failure,
    "unbilled": _unbilled,
}

if __name__ == "__main__":
    main()
