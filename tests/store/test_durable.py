"""Publishing a file: whole or not at all, and exclusively when that is asked for."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest

from joulefront.errors import StoreWriteError
from joulefront.store.durable import publish


def test_of_several_publishers_at_once_one_succeeds(tmp_path: Path) -> None:
    for turn in range(15):
        path = tmp_path / f"{turn}"
        barrier = threading.Barrier(6)
        winners: list[bytes] = []

        def race(
            data: bytes,
            path: Path = path,
            barrier: threading.Barrier = barrier,
            winners: list[bytes] = winners,
        ) -> None:
            barrier.wait()
            if publish(path, data, exclusive=True):
                winners.append(data)

        threads = [threading.Thread(target=race, args=(b"%d" % i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert winners == [path.read_bytes()]
    assert len(list(tmp_path.iterdir())) == 15


def test_a_refused_file_leaves_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(tmp_path / "x", b"older")
    publish(tmp_path / "x", b"old")

    def refuse(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreWriteError, match="x must be writable; given: Input/output error"):
        publish(tmp_path / "x", b"new")
    assert (tmp_path / "x").read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_system_without_hard_links_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    with pytest.raises(StoreWriteError, match="hard links"):
        publish(tmp_path / "x", b"data", exclusive=True)
    assert list(tmp_path.iterdir()) == []
