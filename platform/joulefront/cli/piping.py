"""Write to standard output so that a reader who stops early, such as `head`, is no error."""

from __future__ import annotations

import os
import sys

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
