from __future__ import annotations

import hashlib
import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from trainables.cohorts.cache import cache_folder, publish_cache, read_cache

ARRAYS = {"a": np.arange(5000), "names": np.array(["x", "yy"])}


def _file() -> Path:
    return cache_folder() / "key.cache"


def test_round_trip() -> None:
    assert read_cache("key") is None
    publish_cache("key", ARRAYS)
    stored = read_cache("key")
    assert stored is not None
    assert stored.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        np.testing.assert_array_equal(stored[name], array)
    assert list(_file().parent.iterdir()) == [_file()]


@pytest.mark.parametrize("keep", [0, 3, 100, -10])
def test_a_torn_file_counts_as_absent(keep: int) -> None:
    publish_cache("key", ARRAYS)
    _file().write_bytes(_file().read_bytes()[:keep])
    assert read_cache("key") is None


def test_flipped_bits_never_pass_as_other_data() -> None:
    publish_cache("key", ARRAYS)
    whole = _file().read_bytes()
    rng = np.random.default_rng(0)
    for bit in rng.integers(0, 8 * len(whole), 200):
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << (bit % 8)
        _file().write_bytes(damaged)
        stored = read_cache("key")
        assert stored is None or all(np.array_equal(stored[n], a) for n, a in ARRAYS.items())


def test_pickles_are_neither_written_nor_read() -> None:
    with pytest.raises(ValueError, match="pickle"):
        publish_cache("key", {"a": np.array([{"x": 1}], dtype=object)})
    buffer = io.BytesIO()
    np.savez(buffer, a=np.array([{"x": 1}], dtype=object))
    _file().write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())
    with pytest.raises(ValueError, match="pickle"):
        read_cache("key")


def test_no_home_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JOULEFRONT_CACHE", str(tmp_path / "file" / "cache"))  # cannot be made
    publish_cache("key", ARRAYS)
    assert read_cache("key") is None
    monkeypatch.delenv("JOULEFRONT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "joulefront"
    monkeypatch.delenv("XDG_CACHE_HOME")

    def no_home() -> Path:
        raise RuntimeError("no home")

    monkeypatch.setattr(Path, "home", no_home)
    publish_cache("key", ARRAYS)
    assert read_cache("key") is None


def test_a_write_that_fails_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    publish_cache("key", ARRAYS)

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    publish_cache("key", {"a": np.zeros(3)})
    stored = read_cache("key")
    assert stored is not None
    assert len(stored["a"]) == 5000
    assert list(_file().parent.iterdir()) == [_file()]


def _publish_often(value: int) -> None:
    for _ in range(20):
        publish_cache("key", {"a": np.full(20_000, value)})


def test_several_writers_at_once() -> None:
    publish_cache("key", {"a": np.full(20_000, 0)})
    with ThreadPoolExecutor(2) as pool:  # files know threads from processes no better
        writers = [pool.submit(_publish_often, value) for value in (1, 2)]
        while not all(writer.done() for writer in writers):
            stored = read_cache("key")
            assert stored is not None
            assert len(set(stored["a"].tolist())) == 1
        for writer in writers:
            writer.result()
    assert list(_file().parent.iterdir()) == [_file()]
