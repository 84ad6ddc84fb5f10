"""A full disk is waited for, and nothing else."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from joulefront.errors import StoreWriteError
from joulefront.store import PatientWriter, StudyStore, patiently
from joulefront.store.durable import writing


def refusing(times: int, number: int):
    """A write that the system refuses so many times, and what it was asked."""
    asked: list[int] = []

    def write() -> str:
        asked.append(len(asked))
        if len(asked) <= times:
            with writing(Path("study")):
                raise OSError(number, "refused")
        return "written"

    return write, asked


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_it_waits_for_room_and_says_so_once(number: int) -> None:
    told: list[str] = []
    slept: list[float] = []
    write, asked = refusing(3, number)
    assert patiently(write, tell=told.append, sleep=slept.append) == "written"
    assert len(asked) == 4 and len(slept) == 3
    assert [text.startswith("the disk is full") for text in told] == [True, False]


def test_what_is_no_want_of_room_is_raised_at_once() -> None:
    write, asked = refusing(1, errno.EACCES)
    with pytest.raises(StoreWriteError):
        patiently(write, tell=print)
    assert len(asked) == 1


def test_who_leaves_does_not_wait() -> None:
    write, asked = refusing(9, errno.ENOSPC)
    with pytest.raises(StoreWriteError):
        patiently(write, tell=print, given_up=lambda: len(asked) > 2, sleep=lambda _: None)
    assert len(asked) == 3


def test_rows_that_found_no_room_are_written_once(tmp_path: Path, monkeypatch) -> None:
    from joulefront.store import segments

    study = StudyStore.create(tmp_path / "study", {})
    monkeypatch.setattr("joulefront.store.patience._LOOK_SECONDS", 0.0)
    refusals = iter([True, False, True, True, False])
    real = segments.FileSegment.write

    def write(self, *arguments):
        if next(refusals, False):
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(self, *arguments)

    monkeypatch.setattr(segments.FileSegment, "write", write)
    told: list[str] = []
    with study.writer() as writer:
        patient = PatientWriter(writer, tell=told.append)
        for epoch in (1, 2):
            patient.append("reports", [{"trial_id": "t", "epoch": epoch}])
        patient.sync()
    assert StudyStore.open(study.path).read("reports")["epoch"].to_pylist() == [1, 2]
    assert len(told) == 4
