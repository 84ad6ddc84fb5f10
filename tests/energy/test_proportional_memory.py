from __future__ import annotations

import os
import subprocess
import sys

import psutil

from joulefront.energy.proportional_memory import proportional_bytes


def test_pss_of_several_processes(tmp_path):
    for pid, size in ((7, 100), (8, 20)):
        (tmp_path / str(pid)).mkdir()
        text = f"5ea-7ff ---p 0 00:00 0 [rollup]\nRss: 900 kB\nPss: {size} kB\nPss_Anon: 1 kB\n"
        (tmp_path / str(pid) / "smaps_rollup").write_text(text)
    assert proportional_bytes([7, 8], proc=str(tmp_path)) == 120 * 1024


def test_where_pss_is_not_told_it_is_resident_without_shared_memory(tmp_path):
    memory = psutil.Process().memory_info()
    found = proportional_bytes([os.getpid()], proc=str(tmp_path))
    assert abs(found - (memory.rss - getattr(memory, "shared", 0))) < 50_000_000


def test_ended_processes_are_left_out():
    ended = subprocess.Popen([sys.executable, "-S", "-c", ""])
    ended.wait()
    assert proportional_bytes([ended.pid]) is None
    assert proportional_bytes([]) is None
    assert proportional_bytes([os.getpid(), ended.pid]) > 1_000_000
