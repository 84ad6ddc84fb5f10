"""What a trial prints is kept, also where the disk is full for a while."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from joulefront.energy import Row
from joulefront.energy.outbox import Outbox
from joulefront.store import StudyStore
from joulefront.trial.assignment import Assignment, Place
from joulefront.trial.ledger import Ledger
from joulefront.trial.logs import logged


def log_of(store: Path, attempt: int = 1):
    assignment = Assignment(
        trainable="m:train", trial_id="t", config_id="c0", attempt=attempt, store=str(store)
    )
    return logged(assignment, Place())


def test_a_full_disk_is_waited_for_by_log_and_ledger(tiny_disk: Path) -> None:
    study = StudyStore.create(tiny_disk / "study", {})
    ledger = Ledger(study.uri)
    outbox = Outbox(ledger.append)
    (tiny_disk / "ballast").write_bytes(b"x" * 30_000)

    def free() -> None:
        time.sleep(0.5)
        (tiny_disk / "ballast").unlink()

    room = threading.Thread(target=free)
    began = time.monotonic()
    with log_of(study.path):
        for number in range(20):
            outbox.add(Row(kind="sample", host="h", meter="m", monotonic_ns=number, details={}))
            outbox.flush()
            if number == 5:
                room.start()
            print(f"{number:03d} " + "é" * 600)
        print("the last line")
    assert time.monotonic() - began > 0.5  # it did wait
    room.join()
    outbox.flush()
    ledger.close()
    lines = (study.path / "logs" / "t.log").read_text(encoding="utf-8").splitlines()
    assert [line[:3] for line in lines] == [*(f"{n:03d}" for n in range(20)), "the"]
    assert [row.monotonic_ns for row in ledger.rows()] == list(range(20))


def test_a_trial_that_prints_nothing_leaves_no_log(tmp_path: Path) -> None:
    with log_of(tmp_path):
        pass
    assert not list((tmp_path / "logs").iterdir())


def test_lines_of_later_attempts_are_appended(tmp_path: Path) -> None:
    for attempt in (1, 2):
        with log_of(tmp_path, attempt):
            print("hello")
    assert (tmp_path / "logs" / "t.log").read_text() == "hello\n--- attempt 2\nhello\n"
