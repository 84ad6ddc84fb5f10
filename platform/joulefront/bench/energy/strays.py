"""What a process asks of the network or does to files outside one folder, heard by an audit hook.

`python -m joulefront.bench.energy.strays WHO FOLDER` prints it as a JSON list. A process of its
own, since a hook stays; what it hears is also refused, so that nobody is called. Started processes
are heard too, since they could do the same unheard.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from joulefront.energy import ProcessCounters, Row, Window, grid_intensity, power_model
from joulefront.energy.host_meter import HostMeter
from joulefront.energy.node_class import node_class
from joulefront.store import StudyStore
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.metering import registration_of

_NAMES = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
_PEERS = ("socket.connect", "socket.sendto", "socket.sendmsg")
_PROCESSES = ("os.exec", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen")
_FILES = ("os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def strays_of(who: str) -> list[str]:
    """Let one of `CULPRITS` work in a process and a folder of its own, and listen to it."""
    with tempfile.TemporaryDirectory(prefix="joulefront-bench-") as folder:
        command = [sys.executable, "-B", "-m", __name__, who, str(Path(folder, "study"))]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=folder)
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def listen(folder: Path) -> list[str]:
    """Write down, from now on, each call of this process that leaves `folder`, and refuse it."""
    heard: list[str] = []

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event in _PROCESSES:
            heard.append(f"{event} {arguments[0]}")
        elif _is_stray(event, arguments, str(folder)):
            heard.append(f"{event} {arguments[:2]}")
            raise OSError(f"refused: {event}")

    sys.addaudithook(hook)
    return heard


def _is_stray(event: str, arguments: tuple[Any, ...], folder: str) -> bool:
    if event in _NAMES:
        return True
    if event in _PEERS:
        return bool(arguments[0].family != socket.AF_UNIX)
    if event == "open":
        path, _, flags = arguments
        return bool(flags & _WRITING) and not isinstance(path, int) and _outside(path, folder)
    paths = [path for path in arguments if isinstance(path, (str, bytes, os.PathLike))]
    return event in _FILES and any(_outside(path, folder) for path in paths)


def _outside(path: Any, folder: str) -> bool:
    return not os.path.realpath(os.fsdecode(path)).startswith((folder, "/dev/"))


def _meter(folder: Path) -> list[str]:
    """Meter this process for a study in `folder`, and read CodeCarbon's tables."""
    heard = listen(folder)
    writer = StudyStore.create(folder, {"name": "strays"}).writer()
    model = power_model()
    grid_intensity("TWN")
    meter = HostMeter(host="host", power_model=model.to_dict(), node_class=node_class())

    def write(rows: Sequence[Row]) -> None:
        writer.append("ledger", [{"time": time.time(), **row.to_columns()} for row in rows])

    called = ProcessCounters().read()
    trial = Assignment(trainable="", trial_id="trial", config_id="trial", store=str(folder))
    registration = registration_of(trial, Place(), called)
    meter.attend(str(folder), write)
    meter.register(registration)
    for _ in range(3):
        meter.sample()
    meter.observe(str(folder), registration.key, called.monotonic_ns)
    window = Window(opened=called, closed=ProcessCounters().read(), cores=1)
    meter.closed(str(folder), registration.key, window)
    meter.sample()
    writer.close()
    return heard


def _online_tracker(folder: Path) -> list[str]:
    """Let CodeCarbon find out by itself where it is."""
    logging.getLogger("codecarbon").disabled = True
    from codecarbon import EmissionsTracker

    heard = listen(folder)
    tracker = EmissionsTracker(log_level="critical", measure_power_secs=1)
    tracker.start()
    tracker.stop()
    return heard


CULPRITS: dict[str, Callable[[Path], list[str]]] = {
    "meter": _meter,
    "online_tracker": _online_tracker,
}

if __name__ == "__main__":
    print(json.dumps(CULPRITS[sys.argv[1]](Path(sys.argv[2]).resolve())))
