"""From segments and Parquet generations to one table: what is whole, in order, once.

Not here: which files there are to read (`study_store.py`), nor what the rows mean (`fold.py`).

Nothing is locked, and nothing that is read can execute anything: a file is bytes until its
checksum holds, and numbers and texts after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from joulefront.store.columns import conform, merge_types
from joulefront.store.framing import Frame, next_frame, read_frame
from joulefront.store.schema import SCHEMAS, ordered_names

#: Columns that order the rows of one writer; stored in Parquet, never shown by `StudyStore.read`.
WRITER, POSITION = "_writer", "_position"


class SegmentRows(NamedTuple):
    """What one segment holds: its whole batches, with the columns `WRITER` and `POSITION`."""

    rows: pa.Table | None  # None if there are none
    sound_bytes: int  # from the beginning on; 0 without a schema
    damage: list[str]  # a sentence for each span of bytes that was dropped


def read_segment(path: Path, covered_bytes: int = 0) -> SegmentRows:
    """The whole batches of the segment at `path`, also while it is being written.

    `covered_bytes` at its beginning are sound, and their rows are known from elsewhere.
    """
    data = path.read_bytes()
    name = f"segments/{path.parent.name}/{path.name}"
    schema = read_frame(data, 0, 0)
    if schema is None:
        lost = f"{name}: its schema cannot be read: all of its {len(data)} bytes were dropped"
        return SegmentRows(None, 0, [lost] if data else [])
    frames: list[Frame] = []
    damage: list[str] = []
    start = sound = max(covered_bytes, schema.stop)
    while start < len(data):
        frame = next_frame(data, start, schema.crc)
        stop = frame.start if frame else len(data)
        if frame and stop > start:
            damage.append(f"{name}: bytes {start} to {stop} are damaged and were dropped")
        if frame is None:
            damage.append(
                f"{name}: the last {stop - start} bytes are no whole batch and were dropped, "
                "as a writer leaves them that was killed or is writing"
            )
            break
        frames.append(frame)
        start = frame.stop
        sound = sound if damage else start
    return SegmentRows(_table(data, schema, frames, path.stem.rpartition("-")[0]), sound, damage)


def merge(table: str, parts: Sequence[pa.Table]) -> pa.Table:
    """All rows of `parts` under one schema, ordered by (time, writer, position), each row once.

    `table` is a key of `SCHEMAS`; all parts have the columns `WRITER` and `POSITION`.
    """
    schema = _unify(table, [part.schema for part in parts])
    if not parts:
        return schema.empty_table()
    rows = pa.concat_tables([conform(part, schema) for part in parts]).combine_chunks()
    keys = [("time", "ascending"), (WRITER, "ascending"), (POSITION, "ascending")]
    rows = rows.take(pc.sort_indices(rows, sort_keys=keys))
    if rows.num_rows < 2:
        return rows
    before, after = rows.slice(0, rows.num_rows - 1), rows.slice(1)
    same = [pc.equal(before[name], after[name]).to_numpy() for name in (WRITER, POSITION)]
    return rows.filter(pa.array(np.append(True, ~(same[0] & same[1]))))


def _unify(table: str, schemas: Sequence[pa.Schema]) -> pa.Schema:
    types = dict(zip(SCHEMAS[table].names, SCHEMAS[table].types, strict=True))
    fixed = {*types, WRITER, POSITION}
    for schema in schemas:
        for field in schema:
            if field.name not in fixed:
                types[field.name] = merge_types(types.get(field.name, pa.null()), field.type)
    ends = [(WRITER, pa.string()), (POSITION, pa.int64())]
    return pa.schema([*((name, types[name]) for name in ordered_names(table, types)), *ends])


def _table(data: bytes, schema: Frame, frames: list[Frame], writer: str) -> pa.Table | None:
    if not frames:
        return None
    spans = [data[frame.start : frame.stop] for frame in frames]
    stream = pa.ipc.open_stream(pa.py_buffer(b"".join([data[: schema.stop], *spans])))
    rows = stream.read_all().replace_schema_metadata(None)
    positions = np.concatenate([np.arange(f.first, f.first + f.rows) for f in frames])
    rows = rows.append_column(WRITER, pa.repeat(pa.scalar(writer), rows.num_rows))
    return rows.append_column(POSITION, pa.array(positions, pa.int64()))
