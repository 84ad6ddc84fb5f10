from __future__ import annotations

import pytest

from joulefront.energy import Row, outbox
from joulefront.energy.outbox import Outbox
from joulefront.errors import StoreWriteError


def row(kind, time):
    return Row(kind=kind, host="h", meter="m", monotonic_ns=time, details={})


class Store:
    def __init__(self):
        self.rows, self.refusal = [], None

    def write(self, rows):
        if self.refusal:
            raise self.refusal
        self.rows += rows


def test_rows_are_written_once_and_in_order():
    store = Store()
    box = Outbox(store.write)
    for time in range(3):
        box.add(row("sample", time))
    box.flush()
    box.flush()
    assert [r.monotonic_ns for r in store.rows] == [0, 1, 2]


@pytest.mark.parametrize("refusal", [OSError("full"), StoreWriteError("must be writable")])
def test_refused_rows_are_offered_again(refusal):
    store = Store()
    box = Outbox(store.write)
    box.add(row("open", 0))
    store.refusal = refusal
    box.flush()
    box.add(row("close", 1))
    store.refusal = None
    box.flush()
    assert [r.kind for r in store.rows] == ["open", "close"]


def test_a_bug_is_not_hidden():
    store = Store()
    store.refusal = ZeroDivisionError()
    box = Outbox(store.write)
    box.add(row("open", 0))
    with pytest.raises(ZeroDivisionError):
        box.flush()


def test_too_many_rows_lose_every_second_sample_and_nothing_else(monkeypatch):
    monkeypatch.setattr(outbox, "MOST_ROWS", 20)
    store = Store()
    box = Outbox(store.write)
    for time in range(100):
        box.add(row("window" if time % 20 == 0 else "sample", time))
    box.flush()
    times = [r.monotonic_ns for r in store.rows]
    assert len(times) <= 20
    assert times == sorted(times)
    assert [r.monotonic_ns for r in store.rows if r.kind == "window"] == [0, 20, 40, 60, 80]
    assert times[-1] == 99


def test_what_processes_say_is_dropped_last_and_the_host_never(monkeypatch):
    monkeypatch.setattr(outbox, "MOST_ROWS", 20)
    store = Store()
    box = Outbox(store.write)
    box.add(row("host", 0))
    for time in range(1, 100):
        box.add(row("window", time))
    box.flush()
    assert [r.monotonic_ns for r in store.rows] == [0, *range(81, 100)]
