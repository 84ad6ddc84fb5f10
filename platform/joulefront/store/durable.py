"""Files that appear whole or not at all, and survive a power cut once they have appeared.

Not here: what is in them, nor the segments, which grow (`segments.py`).
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from joulefront.errors import StoreWriteError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn whatever the operating system refuses inside into a `StoreWriteError` about `path`."""
    try:
        yield
    except OSError as error:
        raise StoreWriteError(
            f"{path} must be writable",
            given=error.strerror or str(error),
            remedy="free some space or give another folder with --store, then run again with "
            "--resume: what was stored before is intact",
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


def publish(path: Path, data: bytes, *, exclusive: bool = False) -> None:
    """Write `data` to `path` by way of a temporary file: no reader ever sees a part of it.

    Args:
        path: Its folder is made where it is absent.
        data: The whole content.
        exclusive: Refuse to replace a file that is there.

    Raises:
        FileExistsError: `exclusive`, and `path` exists; of several callers exactly one succeeds.
        StoreWriteError: The disk is full, read-only or gone; `path` is then as it was.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        if exclusive:
            _link(temporary, path)
        else:
            with writing(path):
                temporary.replace(path)
        with writing(path):
            sync_folder(path.parent)
    finally:
        with writing(path):
            temporary.unlink(missing_ok=True)


def _link(temporary: Path, path: Path) -> None:
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError as error:
        raise StoreWriteError(
            f"the file system of {path.parent} must be writable and know hard links",
            given=error.strerror or str(error),
            remedy="give a folder on another disk with --store",
        ) from error
