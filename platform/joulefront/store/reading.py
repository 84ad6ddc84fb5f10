"""From segments and Parquet generations to one table: what is whole, in order, once.

Not here: which files there are to read (`study_store.py`), nor what the rows mean (`fold.py`).

Nothing is locked, and nothing that is read can execute anything: a file is bytes until its
checksum holds, and numbers and texts after that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from joulefront.store.columns import conform, merge_types
from joulefront.store.framing import Frame, next_frame, read_frame, whole_frames
from joulefront.store.schema import SCHEMAS, ordered_names

#: Columns that order the rows of one writer; stored in Parquet, never shown by `StudyStore.read`.
WRITER, POSITION = "_writer", "_position"

_HEAD = 1 << 16  # bytes in which a schema is looked for first
_CHUNK = 1 << 20  # bytes of batches that are read at once; Arrow takes many times that


class Readable(Protocol):
    """What segments are read from: a `joulefront.store.places.Place`."""

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """At most `length` bytes of a file from `start` on: fewer where the file ends."""
        ...


class SegmentRows(NamedTuple):
    """What one segment holds: its whole batches, with the columns `WRITER` and `POSITION`."""

    rows: pa.Table | None  # None if there are none
    sound_bytes: int  # from the beginning on; 0 without a schema
    damage: list[str]  # a sentence for each span of bytes or column that was dropped


def read_segment(
    place: Readable, name: str, covered_bytes: int = 0, columns: Sequence[str] | None = None
) -> SegmentRows:
    """The whole batches of a segment, also while it is being written.

    No more than a few megabytes of it are in memory at once, but for what its rows take; more only
    where a single batch is larger, or damage is long.

    Args:
        place: Where the study lies.
        name: Of the segment, "segments/<table>/<writer>-<n>.arrows".
        covered_bytes: So many at its beginning are known from elsewhere, and are not read.
        columns: Only these are kept, beside those that order the rows; all by default.

    Raises:
        OSError: It cannot be read.
    """
    schema, data = _schema(place, name)
    if schema is None:
        lost = f"{name}: its schema cannot be read: all of its {len(data)} bytes were dropped"
        return SegmentRows(None, 0, [lost] if data else [])
    head, table, writer = data[: schema.stop], name.split("/")[-2], _writer(name)
    parts: list[pa.Table] = []
    damage: dict[str, None] = {}
    offset = sound = max(covered_bytes, schema.stop)
    data, at_end = b"", False  # what grows after its end was seen is not chased
    while data or not at_end:
        frames = whole_frames(data, schema.crc)
        if frames:
            rows, refused = _table(head, data, frames, table, writer)
            parts += [] if rows is None else [chosen(rows, columns)]
            damage |= dict.fromkeys(f"{name}: {sentence}" for sentence in refused)
            offset, data = offset + frames[-1].stop, data[frames[-1].stop :]
            sound = sound if damage else offset
        elif following := next_frame(data, 0, schema.crc):
            stop = offset + following.start
            damage[f"{name}: bytes {offset} to {stop} are damaged and were dropped"] = None
            offset, data = stop, data[following.start :]
        elif at_end:
            damage[
                f"{name}: the last {len(data)} bytes are no whole batch and were dropped, "
                "as a writer leaves them that was killed or is writing"
            ] = None
            break
        else:
            length = max(_CHUNK, 4 * len(data))
            data = place.read(name, offset, length)
            at_end = len(data) < length
    whole = pa.concat_tables(parts) if parts else None
    return SegmentRows(whole, sound, list(damage))


def fixed_types(table: str, rows: pa.Table) -> tuple[pa.Table, list[str]]:
    """`rows` with the fixed columns of `table` in their types, and what had to be dropped for it.

    Studies of other versions may have others. A name that stands twice counts where it is first.
    """
    refused = []
    names: list[str] = rows.column_names
    for index in reversed(range(len(names))):
        if names[index] in names[:index]:
            rows = rows.remove_column(index)
            refused.append(f"column {names[index]!r} stands twice, and was dropped once")
    for field in SCHEMAS[table]:
        index = rows.column_names.index(field.name) if field.name in rows.column_names else -1
        if index < 0 or rows.schema.field(index).type == field.type:
            continue
        try:
            rows = rows.set_column(index, field, rows.column(index).cast(field.type))
        except pa.ArrowException:
            kind = rows.schema.field(index).type
            must = f"column {field.name!r} holds {kind} where {field.type} belongs"
            refused.append(f"{must}, and was dropped")
            rows = rows.remove_column(index)
    return rows, refused


def chosen(rows: pa.Table, columns: Sequence[str] | None) -> pa.Table:
    """Those of `columns` that `rows` have, and what orders the rows; all for None."""
    if columns is None:
        return rows
    wanted = {*columns, "time", WRITER, POSITION}
    return rows.select([name for name in rows.column_names if name in wanted])


def merge(table: str, parts: Sequence[pa.Table], columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of `parts` under one schema, ordered by (time, writer, position), each row once.

    `table` is a key of `SCHEMAS`; all parts have the columns `WRITER` and `POSITION`. All
    `columns` that are asked for are there, null throughout where no part has one.
    """
    schema = _unify(table, [part.schema for part in parts])
    if columns is not None:
        absent = [pa.field(name, pa.null()) for name in columns if name not in schema.names]
        wanted = {*columns, "time", WRITER, POSITION}
        schema = pa.schema([*(field for field in schema if field.name in wanted), *absent])
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


def _schema(place: Readable, name: str) -> tuple[Frame | None, bytes]:
    """The schema's message and the bytes that begin with it, or all of a segment without one."""
    data = place.read(name, 0, _HEAD)
    frame = read_frame(data, 0, 0)
    if frame is None and len(data) == _HEAD:
        data = place.read(name)
        frame = read_frame(data, 0, 0)
    return frame, data


def _writer(name: str) -> str:
    """Who wrote a segment: its name without folder and number."""
    return name.rpartition("/")[2].rpartition("-")[0]


def _table(
    head: bytes, data: bytes, frames: list[Frame], table: str, writer: str
) -> tuple[pa.Table | None, list[str]]:
    """The rows of adjacent frames, in memory of their own, and what cannot be read as a table."""
    spans = memoryview(data)[: frames[-1].stop]
    try:
        stream = pa.ipc.open_stream(pa.py_buffer(b"".join([head, spans])))
        rows = stream.read_all().replace_schema_metadata(None)
        rows.validate(full=True)
        own = {WRITER, POSITION}.intersection(rows.column_names)
        rows, refused = fixed_types(table, rows.drop_columns(list(own)).combine_chunks())
        positions = np.concatenate([np.arange(f.first, f.first + f.rows) for f in frames])
        rows = rows.append_column(WRITER, pa.repeat(pa.scalar(writer), rows.num_rows))
        return rows.append_column(POSITION, pa.array(positions, pa.int64())), refused
    except (pa.ArrowException, OSError, ValueError) as error:
        return None, [f"{len(frames)} batches are no table and were dropped: {error}"]
