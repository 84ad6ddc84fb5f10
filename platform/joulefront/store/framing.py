"""The segment format: an Arrow IPC stream whose every message carries its own checksum.

Not here: files (`segments.py` writes them), nor tables (`reading.py` makes them).

A segment is a plain IPC stream without the optional end marker: one schema message, then one
message a batch, and pyarrow or Polars open it as it is. Arrow itself notices few flipped bits, so
each message also carries a *seal* in its custom metadata under the key "joulefront", a text of
fixed width

    crc32=1a2b3c4d bytes=0000001234 first=000000000017 rows=000000002

- crc32: over the message, with its own eight digits as zeros. A batch's begins where the schema
  message's ended, so that a batch under another schema is refused.
- bytes: length of the message.
- first: how many rows the same writer had appended to the same table before. It orders the rows of
  a writer, and shows up rows that were written twice.
- rows: how many rows the batch holds.

The seal is checked on the raw bytes, before Arrow interprets any of them.
"""

from __future__ import annotations

import re
import zlib
from typing import NamedTuple

import pyarrow as pa

_KEY = "joulefront"
_CONTINUATION = b"\xff\xff\xff\xff"
_PREFIX = 8  # the continuation mark and the length of the metadata, four bytes each
_SEAL = re.compile(rb"crc32=([0-9a-f]{8}) bytes=(\d{10}) first=(\d{12}) rows=(\d{9})")


class Frame(NamedTuple):
    """One whole message: `start` and `stop` in bytes, `first` and `rows` in rows."""

    start: int
    stop: int
    first: int
    rows: int
    crc: int


def schema_message(schema: pa.Schema) -> tuple[bytes, int, pa.Schema]:
    """The sealed first message of a segment, its checksum, and the schema for its batches."""
    sealed = schema.with_metadata({_KEY: _blank_seal(0, 0)})
    message, crc = _sealed(sealed.serialize().to_pybytes(), 0)
    return message, crc, sealed


def batch_message(batch: pa.RecordBatch, schema: pa.Schema, crc: int, first: int) -> bytes:
    """`batch` as a sealed message under `schema` and `crc`, as `schema_message` returned them."""
    sink = pa.BufferOutputStream()
    stream = pa.ipc.new_stream(sink, schema)
    metadata = {_KEY: _blank_seal(first, batch.num_rows)}
    stream.write_batch(batch.replace_schema_metadata(schema.metadata), custom_metadata=metadata)
    whole = sink.getvalue().to_pybytes()
    schema_length = _PREFIX + int.from_bytes(whole[4:8], "little")
    return _sealed(whole[schema_length:], crc)[0]


def read_frame(data: bytes, start: int, crc: int) -> Frame | None:
    """The message that begins at byte `start`, or None where none is whole and undamaged.

    `crc` is that of the schema message, or 0 to read the schema message itself.
    """
    if data[start : start + 4] != _CONTINUATION:
        return None
    end = start + _PREFIX + int.from_bytes(data[start + 4 : start + 8], "little")
    seal = _SEAL.search(data, start + _PREFIX, end) if end <= len(data) else None
    if seal is None:
        return None
    stop = start + int(seal[2])
    if not end <= stop <= len(data):
        return None
    found = _checksum(data, start, stop, seal.start(1), crc)
    return (
        Frame(start, stop, int(seal[3]), int(seal[4]), found) if found == int(seal[1], 16) else None
    )


def whole_frames(data: bytes, crc: int) -> list[Frame]:
    """The whole and undamaged batch messages that follow each other from byte 0 on."""
    frames, start = [], 0
    while frame := read_frame(data, start, crc):
        frames.append(frame)
        start = frame.stop
    return frames


def next_frame(data: bytes, start: int, crc: int) -> Frame | None:
    """The first whole and undamaged batch message that begins at or after `start`, if any."""
    while (start := data.find(_CONTINUATION, start)) >= 0:
        if frame := read_frame(data, start, crc):
            return frame
        start += 1
    return None


def _blank_seal(first: int, rows: int) -> str:
    return f"crc32={0:08x} bytes={0:010d} first={first:012d} rows={rows:09d}"


def _sealed(message: bytes, crc: int) -> tuple[bytes, int]:
    seal = _SEAL.search(message)
    if seal is None:
        raise RuntimeError("this version of Arrow does not store custom metadata as given")
    data = bytearray(message)
    data[slice(*seal.span(2))] = b"%010d" % len(message)
    found = _checksum(data, 0, len(data), seal.start(1), crc)
    data[slice(*seal.span(1))] = b"%08x" % found
    return bytes(data), found


def _checksum(data: bytes | bytearray, start: int, stop: int, digits: int, crc: int) -> int:
    view = memoryview(data)
    crc = zlib.crc32(view[start:digits], crc)
    return zlib.crc32(view[digits + 8 : stop], zlib.crc32(b"00000000", crc))
