from __future__ import annotations

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from trainables.cohorts.cache import cache_folder, publish_cache, read_cache

ARRAYS = {
    "a": np.arange(5000),
    "names": np.array(["x", "yy"]),
    "none": np.zeros((0, 3), dtype=np.float32),
    "there": np.array([True, False, True]),
    "turned": np.arange(6.0).reshape(2, 3).T,
}


def _file() -> Path:
    return cache_folder() / "key.arrays"


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


def _write(header: object) -> None:
    """A file that is whole, with a header of a stranger's making."""
    text = json.dumps(header).encode()
    rest = len(text).to_bytes(8, "big") + text + bytes(256)
    _file().parent.mkdir(parents=True, exist_ok=True)
    _file().write_bytes(hashlib.sha256(rest).digest() + rest)


def test_objects_are_neither_written_nor_read() -> None:
    with pytest.raises(ValueError, match="must not hold objects, but a does"):
        publish_cache("key", {"a": np.array([{"x": 1}], dtype=object)})
    _write({"a": ["<f4", [4], 0]})
    stored = read_cache("key")
    assert stored is not None
    np.testing.assert_array_equal(stored["a"], np.zeros(4))
    for header in (
        {"a": ["O", [1], 0]},
        {"a": ["O,i4", [1], 0]},
        {"a": ["<f4", [4000], 0]},
        {"a": ["<f4", [4], -(2**20)]},
        {"a": ["<f4", [2**62, 4], 0]},
        {"a": ["<f4", [-4], 0]},
        {"a": [4]},
        "a",
        3,
    ):
        _write(header)
        assert read_cache("key") is None


def test_arrays_are_mapped_aligned_and_read_only() -> None:
    publish_cache("key", ARRAYS)
    stored = read_cache("key")
    assert stored is not None
    for array in stored.values():
        assert array.ctypes.data % 64 == 0
        assert not array.flags.owndata
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)
    assert _file().stat().st_mode & 0o077 == 0
    publish_cache("key", {"a": np.zeros(5)})  # what was mapped stays
    np.testing.assert_array_equal(stored["a"], ARRAYS["a"])


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
