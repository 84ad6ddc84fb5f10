"""Checksums of whole files and of JSON documents that carry their own.

Not here: the checksum of each batch, which is part of the segment format (`framing.py`).

They catch damage by disks, cables and truncated copies, not forgery.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from joulefront.errors import StoreReadError


def digest(data: bytes) -> str:
    """SHA-256 of `data`, in hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of the file at `path`, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def seal(content: Mapping[str, Any]) -> bytes:
    """`content` as indented JSON, with the checksum of what it means (not of how it is laid out).

    Raises:
        TypeError: `content` holds something that JSON does not know.
        ValueError: It holds NaN or an infinity.
    """
    document = {"sha256": digest(_canonical(content)), "content": content}
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return text.encode("utf-8") + b"\n"


def unseal(path: Path) -> dict[str, Any]:
    """The content of a document that `seal` made.

    Raises:
        StoreReadError: It is no such document, or its checksum does not match.
        FileNotFoundError: There is none.
    """
    try:
        document = json.loads(path.read_bytes())
        content, checksum = document["content"], document["sha256"]
        intact = isinstance(content, dict) and digest(_canonical(content)) == checksum
    except (ValueError, TypeError, KeyError):
        intact = False
    if not intact:
        raise StoreReadError(
            f"{path} must match its own checksum",
            given="a file that was damaged or edited",
            remedy="restore it from a copy; the checksum covers every value in it",
        )
    return dict(content)


def _canonical(content: Any) -> bytes:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii")
