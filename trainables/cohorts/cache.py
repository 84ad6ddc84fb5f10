"""A folder of generated arrays that may be thrown away at any time: a cache, not a store.

One file a key: the SHA-256 of the rest, then a NumPy archive that is read without pickle. A file
appears whole or not at all, so that several processes may write one key at once. Where no folder
can be read or written, nothing is cached, silently: the result is the same.
"""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_DIGEST_BYTES = hashlib.sha256().digest_size


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
    """The arrays published under a key, or None where there are none or they are damaged."""
    try:
        content = (cache_folder() / f"{key}.cache").read_bytes()
    except OSError:
        return None
    digest, archive = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
    if hashlib.sha256(archive).digest() != digest:
        return None
    with np.load(io.BytesIO(archive), allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def publish_cache(key: str, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays, of nothing that needs pickle, under a key, replacing what is there."""
    folder, buffer = cache_folder(), io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    archive = buffer.getvalue()
    temporary = ""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{key}-", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            file.write(hashlib.sha256(archive).digest() + archive)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, folder / f"{key}.cache")
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
