"""Constants come from CodeCarbon's files: no network, no writing, no output, no import of it."""

from __future__ import annotations

import os
import subprocess
import sys

PROBE = """
import os, sys
def hook(event, args):
    if event.startswith("socket.") or event in ("subprocess.Popen", "os.system", "os.exec"):
        raise RuntimeError(f"{event} {args}")
    if event == "open":
        path, mode, flags = args
        writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_APPEND
        if (mode and set(mode) & set("wax+")) or flags & writing:
            raise RuntimeError(f"open {path} {mode} {flags}")
sys.dont_write_bytecode = True
sys.addaudithook(hook)
import logging, warnings
state = (dict(os.environ), logging.root.level, list(logging.root.handlers), list(warnings.filters))
from joulefront.energy import ProcessCounters, grid_intensity, power_model
from joulefront.energy.power import find_tdp
power_model(), find_tdp("AMD EPYC 7763 64-Core Processor")
grid_intensity("TWN"), ProcessCounters().read()
after = (dict(os.environ), logging.root.level, list(logging.root.handlers), list(warnings.filters))
assert state == after
assert "codecarbon" not in sys.modules and "pandas" not in sys.modules
"""


def test_nothing_is_fetched_written_or_printed(tmp_path):
    environment = os.environ | {"HOME": str(tmp_path), "CODECARBON_LOG_LEVEL": "debug"}
    (tmp_path / ".codecarbon.config").write_text("[codecarbon]\nforce_cpu_power = 999\n")
    done = subprocess.run(
        [sys.executable, "-c", PROBE], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [path.name for path in tmp_path.iterdir()] == [".codecarbon.config"]


def test_the_probe_would_notice():
    for offence in ("import socket; socket.socket()", "open('x', 'w')"):
        done = subprocess.run(
            [sys.executable, "-c", PROBE + offence], capture_output=True, text=True
        )
        assert "RuntimeError" in done.stderr
