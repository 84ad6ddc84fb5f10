"""Files that appear whole or not at all, survive a power cut, and tell when they were damaged.

Not here: the segments, which grow (`segments.py`) and carry a checksum a batch (`framing.py`).
Checksums catch damage by disks, cables and truncated copies, not forgery.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from joulefront.errors import StoreReadError, StoreWriteError

_REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of the quota",
    errno.EROFS: "mount it for writing",
    errno.EACCES: "get the right to write there",
}


@contextmanager
def writing(path: Path | str, must: str = "be writable") -> Iterator[None]:
    """Turn whatever the operating system refuses inside into a `StoreWriteError` about `path`."""
    try:
        yield
    except OSError as error:
        raise StoreWriteError(
            f"{path} must {must}",
            given=error.strerror or str(error),
            remedy=f"{_REMEDIES.get(error.errno or 0, 'see to it')}, or give another --store; then "
            "run again with --resume: what was stored before is intact",
        ) from error


def sync_folder(folder: Path) -> None:
    """Make the entries of `folder` survive a power cut, where its file system can do that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(handle)


def publish(path: Path, data: bytes, *, exclusive: bool = False) -> bool:
    """Write `data` to `path`, whose folder may be absent: no reader ever sees a part of it.

    `exclusive` leaves a file that is there as it is, and answers False: of several callers exactly
    one succeeds.

    Raises:
        StoreWriteError: The disk is full, read-only or gone; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with writing(
        path, "be writable, and on a disk with hard links" if exclusive else "be writable"
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if not exclusive:
                temporary.replace(path)
            elif not _link(temporary, path):
                return False
            sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    return True


def _link(temporary: Path, path: Path) -> bool:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        return False
    return True


def digest(data: bytes) -> str:
    """SHA-256 of `data`, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def seal(content: Mapping[str, Any]) -> bytes:
    """`content` as indented JSON, with the checksum of what it means, not of its layout."""
    document = {"sha256": _digest_of(content), "content": content}
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def unsealed(data: bytes, name: str) -> dict[str, Any]:
    """The content of a document that `seal` made; an error calls it `name`.

    Raises:
        StoreReadError: It is no such document, or its checksum does not match.
    """
    try:
        document = json.loads(data)
        content: dict[str, Any] = document["content"]
        intact = isinstance(content, dict) and _digest_of(content) == document["sha256"]
    except (ValueError, TypeError, KeyError, RecursionError):
        intact = False
    if not intact:
        raise StoreReadError(
            f"{name} must match its own checksum",
            given="a file that was damaged or edited",
            remedy="restore it from a copy; the checksum covers every value in it",
        )
    return content


def _digest_of(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return digest(text.encode("ascii"))
