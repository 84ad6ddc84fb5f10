"""Write to files, and to standard output, where a reader who stops early is no error."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

from joulefront.errors import StoreWriteError
from joulefront.spec.printable import printable


def write_text(text: str) -> None:
    """Write text and a line end, if it has none, to standard output; control characters spelt."""
    text = printable(text)
    write_bytes((text if text.endswith("\n") else text + "\n").encode("utf-8"))


def write_bytes(data: bytes) -> None:
    """Write bytes to standard output; stop in silence if nobody reads them any more."""
    sys.stdout.flush()
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        # The interpreter flushes standard output once more when it ends.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def write_file(path: Path, data: bytes) -> None:
    """Replace a file at once or not at all.

    Raises:
        StoreWriteError: It cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        try:
            temporary.write_bytes(data)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreWriteError(
            f"{path} must be writable", given=error.strerror or str(error)
        ) from error
