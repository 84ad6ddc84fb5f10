"""Knocks at processes that stand in for those of trials."""

from __future__ import annotations

from types import SimpleNamespace

from joulefront.launch import knocking
from joulefront.launch.knocking import Knocking


class Process:
    """Counts the knocks."""

    def __init__(self) -> None:
        self.knocks = 0
        self.__ray_ready__ = self

    def remote(self) -> None:
        self.knocks += 1


def trial(process: Process | None) -> SimpleNamespace:
    return SimpleNamespace(temporary_state=SimpleNamespace(ray_actor=process))


def test_knocks_at_each_process_once_in_a_while(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(knocking.time, "monotonic", lambda: now[0])
    processes = [Process(), Process()]
    trials = [trial(processes[0]), trial(None), trial(processes[1])]
    knock = Knocking()
    for now[0] in (100.0, 109.9, 110.0, 110.1, 119.9, 120.0):
        knock(trials)
    assert [process.knocks for process in processes] == [2, 2]
