"""A folder of arrays that were decoded or generated once, mapped into memory: a cache, not a store.

One file a key, which may be thrown away at any time: the SHA-256 of all that follows, the length of
a JSON header (name, dtype, shape and place of each array), the header, and the arrays as they lie
in memory, each at a multiple of 64 bytes. Reading checks the sum and copies nothing: processes
share the pages. There is no pickle in it, and an array of objects is neither written nor read.

A file appears whole or not at all and is never changed after that, so that several processes may
write one key at once. Where no folder can be read or written, nothing is cached, silently: the
result is the same. The files are readable for their owner only, since they may show people.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DIGEST, _LENGTH, _ALIGNMENT = hashlib.sha256().digest_size, 8, 64  # bytes


def cache_folder() -> Path:
    """$JOULEFRONT_CACHE, else joulefront in $XDG_CACHE_HOME or ~/.cache; it need not exist."""
    if chosen := os.environ.get("JOULEFRONT_CACHE"):
        return Path(chosen)
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:  # no home
        base = os.devnull  # where no folder can be made
    return Path(base) / "joulefront"


def read_cache(key: str) -> dict[str, NDArray[Any]] | None:
    """The arrays published under a key, read-only, or None where there are none or damaged ones."""
    try:
        with _file(key).open("rb") as file:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError):  # a file of no bytes cannot be mapped
        return None
    view = memoryview(content)
    if hashlib.sha256(view[_DIGEST:]).digest() != view[:_DIGEST]:
        return None
    try:
        return _map(view)
    except (OverflowError, TypeError, ValueError):  # whole, but not written here
        return None


def publish_cache(key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays under a key, replacing what is there.

    Raises:
        ValueError: An array holds objects.
    """
    chunks = _chunks(arrays)
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    temporary = ""
    try:
        cache_folder().mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=cache_folder(), prefix=f".{key}-", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(digest.digest())
            file.writelines(chunks)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, _file(key))
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)


def _file(key: str) -> Path:
    return cache_folder() / f"{key}.arrays"


def _map(view: memoryview) -> dict[str, NDArray[Any]]:
    """The arrays in a file's bytes.

    Raises:
        TypeError, OverflowError: The header is not of this form.
        ValueError: The same, or an array does not lie in the file, or holds objects.
    """
    start = _DIGEST + _LENGTH
    end = start + int.from_bytes(view[_DIGEST:start], "big")
    header = dict(json.loads(bytes(view[start:end])))
    first = end + -end % _ALIGNMENT
    return {
        name: np.frombuffer(view, dtype, math.prod(shape), first + place).reshape(shape)
        for name, (dtype, shape, place) in header.items()
    }


def _chunks(arrays: Mapping[str, NDArray[Any]]) -> list[bytes | memoryview]:
    """Everything behind the digest; places are counted from the end of the header, aligned."""
    header: dict[str, tuple[str, tuple[int, ...], int]] = {}
    blocks: list[bytes | memoryview] = []
    place = 0
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"a cached array must not hold objects, but {name} does")
        header[name] = array.dtype.str, array.shape, place
        block = np.ascontiguousarray(array).reshape(-1).view(np.uint8).data
        padding = bytes(-block.nbytes % _ALIGNMENT)
        blocks += [block, padding]
        place += block.nbytes + len(padding)
    text = json.dumps(header).encode()
    padding = bytes(-(_DIGEST + _LENGTH + len(text)) % _ALIGNMENT)
    return [len(text).to_bytes(_LENGTH, "big"), text, padding, *blocks]
