from __future__ import annotations

import os

import pytest

from joulefront.energy import self_test as module
from joulefront.energy.counters import Reading
from joulefront.energy.cpu import Cpu
from joulefront.energy.ledger import Window
from joulefront.energy.power import model_of
from joulefront.energy.self_test import SelfTest, run_copies, self_test, separate_cores

MODEL = model_of(Cpu(name="x", threads=2, threads_per_socket=2, threads_per_core=1, virtual=True))


def window(cpu_seconds, wait_seconds=0.0):
    opened = Reading(monotonic_ns=0, cpu_ns=0, gpu_millijoules={}, memory_bytes=0, wait_ns=0)
    closed = Reading(
        monotonic_ns=10**9,
        cpu_ns=round(cpu_seconds * 1e9),
        gpu_millijoules={},
        memory_bytes=0,
        wait_ns=round(wait_seconds * 1e9),
    )
    return Window(opened=opened, closed=closed, cores=1)


def outcome(alone, beside):
    return SelfTest(
        alone_joules=tuple(alone),
        beside_joules=tuple(beside),
        cores=(0, 1),
        degradations=(),
        basis="",
    )


def test_copies_are_charged_by_their_own_counters():
    def run(cores):
        return [window(1.0 if len(cores) == 1 else 1.2, wait_seconds=0.3) for _ in cores]

    result = self_test(MODEL, run)
    assert result.ratio == pytest.approx(1.2)
    assert result.alone_joules == pytest.approx([3.6] * 3)
    assert len(result.beside_joules) == 6
    assert any(text.startswith("run queue") for text in result.degradations)


@pytest.mark.parametrize(("proc", "reader"), [(True, "/proc"), (False, "psutil, in clock ticks")])
def test_the_basis_tells_the_fallback(monkeypatch, proc, reader):
    monkeypatch.setattr(module, "has_proc", lambda: proc)
    basis = self_test(MODEL, lambda cores: [window(1.0) for _ in cores]).basis
    assert basis == f"CPU time through {reader} x 3.6 J, modelled"


@pytest.mark.parametrize(
    ("alone", "beside", "verdict"),
    [
        ([1.0, 1.0], [1.04], "a neighbour does not change the charge"),
        ([1.0, 1.0], [1.3], "a neighbour raises the charge"),
        ([1.0, 1.0], [0.8], "a neighbour seems to lower the charge"),
        ([0.9, 1.0, 1.1], [1.15], "the same work alone varies by 20%"),
    ],
)
def test_verdicts(alone, beside, verdict):
    assert verdict in outcome(alone, beside).verdict


def test_siblings_are_no_separate_cores(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    monkeypatch.setattr(module, "_siblings", lambda core: {0: "0-1", 1: "0-1"}.get(core, "2-3"))
    assert separate_cores() == (0, 2)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1})
    assert separate_cores() == ()
    monkeypatch.delattr(os, "sched_getaffinity")
    assert separate_cores() == ()


def test_copies_run_in_processes_of_their_own(monkeypatch):
    monkeypatch.setattr(module, "_PRODUCTS", 2)
    cores = (None, *separate_cores()[:1])
    windows = run_copies(cores)
    assert len(windows) == len(cores)
    assert all(window.closed.cpu_ns > window.opened.cpu_ns for window in windows)
