"""Damage: whatever happens to the bytes, what is read was written, and the rest is told."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from joulefront.store import StudyStore, reading
from joulefront.store.framing import next_frame, read_frame
from joulefront.store.reading import read_segment

Present = Callable[[StudyStore, str], list[dict[str, Any]]]
Segment = Callable[[int], Path]


def test_a_torn_tail_at_every_byte(store: StudyStore, segment: Segment, present: Present) -> None:
    path = segment(3)
    whole, rows = path.read_bytes(), present(store, "reports")
    starts = _starts(whole)
    for length in range(starts[2], len(whole)):
        path.write_bytes(whole[:length])
        torn = StudyStore.open(store.path)
        assert present(torn, "reports") == rows[:2]
        assert bool(torn.damage()) is (length > starts[2])
    path.write_bytes(whole)
    assert present(StudyStore.open(store.path), "reports") == rows


def test_a_segment_torn_in_its_schema_or_empty(store: StudyStore, segment: Segment) -> None:
    path = segment(1)
    whole = path.read_bytes()
    for length in range(0, _starts(whole)[0], 7):
        path.write_bytes(whole[:length])
        torn = StudyStore.open(store.path)
        assert torn.read("reports").num_rows == 0
        assert len(torn.damage()) == (1 if length else 0)


def test_a_flipped_bit_drops_its_batch_and_is_told(
    store: StudyStore, segment: Segment, present: Present
) -> None:
    path = segment(4)
    whole, rows = path.read_bytes(), present(store, "reports")
    starts = _starts(whole)
    # Every byte of one batch, and of the others and the schema a part; one bit of each.
    places = {*range(starts[1], starts[2]), *range(0, len(whole), 13)}
    generator = random.Random(0)
    for place in sorted(places):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        hit = sum(place >= start for start in starts) - 1
        expected = [] if hit < 0 else rows[:hit] + rows[hit + 1 :]
        reader = StudyStore.open(store.path)
        assert present(reader, "reports") == expected, place
        assert len(reader.damage()) == 1, place


@pytest.mark.parametrize("gone", [slice(1500, 1700), slice(100, 200), slice(-3000, -1), slice(0)])
def test_missing_or_foreign_bytes_are_survived(
    store: StudyStore, segment: Segment, present: Present, gone: slice
) -> None:
    path = segment(6)
    whole, rows = path.read_bytes(), present(store, "reports")
    for filling in (b"", b"\x00" * 300, b"\xff" * 4000, whole):
        damaged = bytearray(whole)
        damaged[gone] = filling
        path.write_bytes(damaged)
        reader = StudyStore.open(store.path)
        assert all(row in rows for row in present(reader, "reports"))
        assert len(present(reader, "reports")) <= len(rows)
        assert reader.damage() or bytes(damaged) == whole


def test_a_batch_of_another_schema_is_refused(
    store: StudyStore, tmp_path: Path, segment: Segment
) -> None:
    path = segment(2)
    other = StudyStore.create(tmp_path / "other", {})
    with other.writer() as writer:
        writer.append("reports", [{"time": 9.0, "epoch": 9, "loss": "text", "note": 1.0}])
    (donor,) = (other.path / "segments" / "reports").iterdir()
    data = donor.read_bytes()
    with path.open("ab") as file:
        file.write(data[_starts(data)[0] :])
    assert store.read("reports")["epoch"].to_pylist() == [0, 1]
    assert len(store.damage()) == 1


class Folder:
    """Whatever segments are read from, which tells how much was asked for at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.most = 0

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        data = (self.path / name).read_bytes()[start:][:length]
        self.most = max(self.most, len(data))
        return data


def _name(path: Path) -> str:
    return f"segments/{path.parent.name}/{path.name}"


@pytest.mark.parametrize("chunk", [900, 3000, 10_000])
def test_a_segment_is_read_in_chunks(
    store: StudyStore, segment: Segment, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    path = segment(40)
    whole, folder = path.read_bytes(), Folder(store.path)
    monkeypatch.setattr(reading, "_CHUNK", chunk)
    monkeypatch.setattr(reading, "_HEAD", 256)
    read = read_segment(folder, _name(path))
    assert read.rows is not None
    assert read.rows["epoch"].to_pylist() == list(range(40))
    assert (read.sound_bytes, read.damage) == (len(whole), [])
    starts = _starts(whole)
    damaged = bytearray(whole[: starts[30] + 100])
    damaged[starts[5] + 200] ^= 4
    path.write_bytes(damaged)
    read = read_segment(folder, _name(path), columns=["loss"])
    assert read.rows is not None
    assert read.rows.column_names == ["time", "loss", "_writer", "_position"]
    assert read.rows["_position"].to_pylist() == [*range(5), *range(6, 30)]
    assert (read.sound_bytes, len(read.damage)) == (starts[5], 2)


def test_what_is_covered_is_not_read(store: StudyStore, segment: Segment) -> None:
    path, folder = segment(200), Folder(store.path)
    covered = _starts(path.read_bytes())[199]
    read = read_segment(folder, _name(path), covered)
    assert read.rows is not None
    assert read.rows["epoch"].to_pylist() == [199]
    assert folder.most <= 2**16 < path.stat().st_size


def test_a_segment_tells_how_far_it_is_sound(store: StudyStore, segment: Segment) -> None:
    path, folder = segment(4), Folder(store.path)
    whole = path.read_bytes()
    starts = _starts(whole)
    damaged = bytearray(whole)
    damaged[starts[2] + 40] ^= 1
    path.write_bytes(damaged)
    read = read_segment(folder, _name(path))
    assert read.sound_bytes == starts[2]
    path.write_bytes(whole)
    rest = read_segment(folder, _name(path), starts[2])
    assert rest.sound_bytes == len(whole)
    assert rest.rows is not None
    assert rest.rows["epoch"].to_pylist() == [2, 3]


def _starts(data: bytes) -> list[int]:
    """Where the batches of an undamaged segment begin."""
    schema = read_frame(data, 0, 0)
    assert schema is not None
    starts, start = [], schema.stop
    while frame := next_frame(data, start, schema.crc):
        starts.append(frame.start)
        start = frame.stop
    return starts


def test_columns_of_another_version_are_converted_or_named() -> None:
    rows = pa.table({"attempt": pa.array([1, 2], pa.int64()), "epoch": ["a", "b"], "free": [1, 2]})
    doubled = rows.append_column("free", pa.array(["x", "y"]))
    settled, refused = reading.fixed_types("reports", doubled)
    assert settled.schema.field("attempt").type == pa.int32()
    assert settled.column_names == ["attempt", "free"]
    assert settled["free"].to_pylist() == [1, 2]
    assert [("'free'" in text, "'epoch'" in text) for text in refused] == [
        (True, False),
        (False, True),
    ]


def test_only_the_columns_asked_for_are_read(store: StudyStore, segment: Segment) -> None:
    segment(3)
    for _ in range(2):
        read = store.read("reports", ["loss", "absent", "epoch"])
        assert read.column_names == ["loss", "absent", "epoch"]
        assert read["epoch"].to_pylist() == [0, 1, 2]
        assert read["absent"].null_count == 3
        store.compact()
