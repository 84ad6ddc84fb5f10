"""Runs one task of the bench in a process of its own, with one allocator setting for everybody.

`python -m trainables.bench.attention.worker` reads [task, arguments] and writes an observation a
line. torch's CPU allocator reads THP_MEM_ALLOC_ENABLE once a process.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from typing import Any

_ALLOCATOR = {"THP_MEM_ALLOC_ENABLE": "1"}  # huge pages, as in the reference timings
_LEFT_ALONE = ("GLIBC_TUNABLES", "LD_PRELOAD", "MALLOC_ARENA_MAX", "MALLOC_TRIM_THRESHOLD_")

TASKS = {
    "definition": "trainables.bench.attention.definition:compare",
    "epochs": "trainables.bench.attention.training:time_epochs",
    "mass": "trainables.bench.attention.mass:keep",
    "memory": "trainables.bench.attention.cost:measure_memory",
    "pattern": "trainables.bench.attention.training:learn_pattern",
    "time": "trainables.bench.attention.cost:time_passes",
}


def perform(task: str, arguments: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Do a task in this process."""
    module, attribute = TASKS[task].split(":")
    yield from getattr(import_module(module), attribute)(**arguments)


def delegate(task: str, arguments: dict[str, Any]) -> list[dict[str, Any]]:
    """Do a task in a new process.

    Raises:
        CalledProcessError: If it fails; what it said is on this process's error stream.
    """
    done = subprocess.run(
        [sys.executable, "-m", "trainables.bench.attention.worker"],
        input=json.dumps([task, arguments]),
        stdout=subprocess.PIPE,
        env=os.environ | _ALLOCATOR,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def describe_allocator() -> str:
    """Return the setting in one line."""
    set_here = [f"{name}={value}" for name, value in _ALLOCATOR.items()]
    as_found = [
        f"{name}: {os.environ.get(name, 'not set')}" for name in (*_ALLOCATOR, *_LEFT_ALONE)
    ]
    return f"allocator: {', '.join(set_here)} in every worker; yours: {', '.join(as_found)}"


def main() -> None:
    """Do what the input asks for; whatever prints meanwhile prints to the error stream."""
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        for row in perform(*json.load(sys.stdin)):
            print(json.dumps(row), file=out, flush=True)


if __name__ == "__main__":
    main()
