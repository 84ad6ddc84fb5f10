"""From segments and Parquet generations to one table: what is whole, in order, once.

Not here: which files there are to read (`study_store.py`), nor what the rows mean (`fold.py`).

Nothing is locked, and nothing that is read can execute anything: a file is bytes until its
checksum holds, and numbers and texts after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from joulefront.store.checksums import digest
from joulefront.store.columns import conform, merge_types
from joulefront.store.framing import Frame, next_frame, read_frame
from joulefront.store.schema import SCHEMAS, ordered_names

#: Columns that order the rows of one writer; stored in Parquet, never shown by `StudyStore.read`.
WRITER, POSITION = "_writer", "_position"

_LONGEST_SCHEMA = 2**24  # bytes; a damaged length must not ask for gigabytes


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentRows:
    """What one segment holds.

    Attributes:
        rows: All whole batches, with the columns `WRITER` and `POSITION`; None if there are none.
        sound_batches: How many batches from the beginning on are whole.
        sound_bytes: How many bytes these are, the schema message included; 0 without a batch.
        damage: One sentence for each span of bytes that was dropped.
    """

    rows: pa.Table | None
    sound_batches: int
    sound_bytes: int
    damage: tuple[str, ...]


def read_segment(path: Path, *, skip_batches: int = 0, skip_bytes: int = 0) -> SegmentRows:
    """The whole batches of the segment at `path`, also while it is being written.

    Args:
        path: A file named <writer>-<number>.arrows.
        skip_batches: How many sound batches at the beginning are known from elsewhere.
        skip_bytes: Their bytes, as `sound_bytes` gave them.
    """
    with path.open("rb") as file:
        data = file.read(8)
        data += file.read(min(int.from_bytes(data[4:8], "little"), _LONGEST_SCHEMA))
        head = len(data)
        if skip_bytes > head:
            file.seek(skip_bytes)
        data += file.read()
    name = f"segments/{path.parent.name}/{path.name}"
    schema = read_frame(data, 0, 0)
    if schema is None:
        damage = (_damage(name, 0, len(data), len(data)),) if data else ()
        return SegmentRows(rows=None, sound_batches=0, sound_bytes=0, damage=damage)
    frames, gaps = _frames(data, schema)
    sound = [frame for frame in frames if not gaps or frame.stop <= gaps[0][0]]
    shift = max(skip_bytes - head, 0)
    return SegmentRows(
        rows=_table(data, schema, frames, path.stem.rpartition("-")[0]),
        sound_batches=skip_batches + len(sound),
        sound_bytes=sound[-1].stop + shift if sound else skip_bytes,
        damage=tuple(_damage(name, a + shift, b + shift, len(data) + shift) for a, b in gaps),
    )


def read_generation(path: Path, sha256: str) -> pa.Table:
    """The rows of a Parquet file, in order, with the columns `WRITER` and `POSITION`.

    Raises:
        FileNotFoundError: There is no such file, or no longer.
        ValueError: It is not the file that was published.
    """
    data = path.read_bytes()
    if digest(data) != sha256:
        raise ValueError(f"parquet/{path.name} does not match the checksum in manifest.json")
    return pq.ParquetFile(pa.BufferReader(data)).read()


def merge(table: str, base: pa.Table | None, parts: Sequence[pa.Table]) -> pa.Table:
    """All rows under one schema, ordered by (time, writer, position), each row once.

    Args:
        table: A key of `SCHEMAS`.
        base: Rows that are in this order and once already, if there are any.
        parts: More rows, in any order. All have the columns `WRITER` and `POSITION`.
    """
    every = [*parts] if base is None else [base, *parts]
    schema = _unify(table, [part.schema for part in every])
    if not every:
        return schema.empty_table()
    rows = pa.concat_tables([conform(part, schema) for part in every]).combine_chunks()
    if not parts:
        return rows
    keys = [("time", "ascending"), (WRITER, "ascending"), (POSITION, "ascending")]
    rows = rows.take(pc.sort_indices(rows, sort_keys=keys))
    return rows.filter(pa.array(_first_copies(rows)))


def _first_copies(rows: pa.Table) -> np.ndarray:
    """Which rows are not the same row as the one before, once more. Shape (rows,), bool."""
    keep = np.ones(rows.num_rows, dtype=bool)
    if rows.num_rows > 1:
        before, after = rows.slice(0, rows.num_rows - 1), rows.slice(1)
        same = pc.and_(
            pc.equal(before[WRITER], after[WRITER]), pc.equal(before[POSITION], after[POSITION])
        )
        keep[1:] = ~same.to_numpy()
    return keep


def _unify(table: str, schemas: Sequence[pa.Schema]) -> pa.Schema:
    types = dict(zip(SCHEMAS[table].names, SCHEMAS[table].types, strict=True))
    fixed = {*types, WRITER, POSITION}
    for schema in schemas:
        for field in schema:
            if field.name not in fixed:
                types[field.name] = merge_types(types.get(field.name, pa.null()), field.type)
    names = ordered_names(table, types)
    ends = [(WRITER, pa.string()), (POSITION, pa.int64())]
    return pa.schema([*((name, types[name]) for name in names), *ends])


def _frames(data: bytes, schema: Frame) -> tuple[list[Frame], list[tuple[int, int]]]:
    """The whole batch messages after the schema message, and the spans between that are none."""
    frames: list[Frame] = []
    gaps: list[tuple[int, int]] = []
    start = schema.stop
    while start < len(data):
        frame = next_frame(data, start, schema.crc)
        stop = frame.start if frame else len(data)
        if stop > start:
            gaps.append((start, stop))
        if frame is None:
            break
        frames.append(frame)
        start = frame.stop
    return frames, gaps


def _table(data: bytes, schema: Frame, frames: list[Frame], writer: str) -> pa.Table | None:
    if not frames:
        return None
    spans = [data[frame.start : frame.stop] for frame in frames]
    stream = pa.ipc.open_stream(pa.py_buffer(b"".join([data[: schema.stop], *spans])))
    rows = stream.read_all().replace_schema_metadata(None)
    positions = np.concatenate([np.arange(f.first, f.first + f.rows) for f in frames])
    rows = rows.append_column(WRITER, pa.repeat(pa.scalar(writer), rows.num_rows))
    return rows.append_column(POSITION, pa.array(positions, pa.int64()))


def _damage(name: str, start: int, stop: int, size: int) -> str:
    if start == 0:
        return f"{name}: its schema cannot be read: all of its {size} bytes were dropped"
    if stop < size:
        return f"{name}: bytes {start} to {stop} are damaged and were dropped"
    return (
        f"{name}: the last {stop - start} bytes are no whole batch and were dropped, "
        "as a writer leaves them that was killed or is writing"
    )
