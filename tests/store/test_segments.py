"""Appending: what is acknowledged is there, whatever the disk does."""

from __future__ import annotations

import errno
import io
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from joulefront.errors import StoreWriteError
from joulefront.store import SCHEMAS, StoreWriter, StudyStore, segments
from joulefront.store import writer as log

Present = Callable[[StudyStore, str], list[dict[str, Any]]]


class TroubledFile(io.FileIO):
    """A file on a disk with `room` bytes left; then every write fails with `error`."""

    room = 2**40
    error = errno.ENOSPC
    cuttable = True

    def write(self, data: Any) -> int:
        if TroubledFile.room <= 0:
            raise OSError(TroubledFile.error, os.strerror(TroubledFile.error))
        taken = super().write(data[: TroubledFile.room])
        TroubledFile.room -= taken
        return taken

    def truncate(self, size: int | None = None) -> int:
        if not TroubledFile.cuttable:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().truncate(size)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> type[TroubledFile]:
    monkeypatch.setattr(segments, "_create", lambda path: TroubledFile(path, "xb"))
    for name in ("room", "error", "cuttable"):
        monkeypatch.setattr(TroubledFile, name, getattr(TroubledFile, name))
    return TroubledFile


def test_every_column_type_comes_back(store: StudyStore, present: Present) -> None:
    rows = [
        {"time": 1.0, "trial_id": "a", "attempt": 0, "kind": "start", "params.lr": 1},
        {"time": 2.0, "trial_id": "a", "attempt": 0, "params.lr": 0.5, "params.x": "dense"},
        {"time": 3.0, "trial_id": "a", "attempt": 1, "flag": True, "size": 2},
        {"time": 4.0, "trial_id": "b", "attempt": 0, "size": 0.5, "name": "é"},
        {"time": 5.0, "trial_id": "b", "attempt": 0, "flag": False, "on_front": True},
    ]
    with store.writer() as writer:
        for row in rows:
            writer.append("trials", [row])
    assert present(store, "trials") == rows
    schema = store.read("trials").schema
    assert schema.field("params.lr").type == pa.float64()
    assert schema.field("size").type == pa.float64()
    assert schema.names[: len(SCHEMAS["trials"])] == SCHEMAS["trials"].names
    assert store.damage() == []


def test_null_then_text_then_number(store: StudyStore) -> None:
    with store.writer() as writer:
        for time, value in enumerate([None, "auto", 8, None]):
            writer.append("trials", [{"time": float(time), "params.clusters": value}])
    assert store.read("trials")["params.clusters"].to_pylist() == [None, "auto", "8", None]


def test_the_same_columns_stay_in_one_segment(store: StudyStore) -> None:
    with store.writer() as writer:
        for epoch in range(50):
            writer.append("reports", [{"epoch": epoch, "loss": 0.5}])
            writer.append("reports", [{"epoch": epoch, "loss": 1}])
    assert len(list((store.path / "segments" / "reports").iterdir())) == 1


def test_a_row_without_a_time_is_stamped(store: StudyStore) -> None:
    with store.writer() as writer:
        writer.append("events", [{"kind": "interrupted"}])
        writer.append("events", [])
    (time,) = store.read("events")["time"].to_pylist()
    assert time > 1.7e9


def test_wrong_use_is_refused(store: StudyStore) -> None:
    writer = store.writer()
    with pytest.raises(ValueError, match="table must be one of"):
        writer.append("trial", [{}])
    with pytest.raises(TypeError, match="pickle"):
        pickle.dumps(writer)
    writer.close()
    writer.close()
    with pytest.raises(ValueError, match="closed"):
        writer.append("trials", [{}])


ROWS = st.lists(
    st.fixed_dictionaries(
        {"time": st.integers(0, 3).map(float)},
        optional={
            "trial_id": st.text(max_size=3),
            "epoch": st.integers(0, 9),
            "number": st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False),
            "text": st.none() | st.text(max_size=3),
        },
    ),
    max_size=8,
)


# The function-scoped folder is shared on purpose: each example makes a study of its own in it.
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.tuples(ROWS, st.integers(0, 1), st.booleans()), max_size=6))
def test_any_rows_in_any_batches_are_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, present: Present, batches: list[Any]
) -> None:
    store = StudyStore.create(tmp_path_factory.mktemp("study") / "s", {})
    expected: list[tuple[float, int, int, dict[str, Any]]] = []
    writers = [StoreWriter(store.place, name) for name in ("a", "b")]
    for rows, which, compacts in batches:
        writers[which].append("reports", rows)
        for row in rows:
            kept = {name: value for name, value in row.items() if value is not None}
            expected.append((row["time"], which, len(expected), kept))
        if compacts:
            store.compact()
    for writer in writers:
        writer.close()
    expected.sort(key=lambda entry: entry[:3])
    assert present(store, "reports") == [row for *_, row in expected]
    assert store.damage() == []


def test_many_threads_share_a_writer(store: StudyStore) -> None:
    with store.writer() as writer:

        def work(name: str) -> None:
            for epoch in range(30):
                row = {"time": 0.0, "trial_id": name, "epoch": epoch}
                writer.append("reports", [row, {**row, f"extra_{epoch % 3}": 1.0}])

        threads = [threading.Thread(target=work, args=(f"t{i}",)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    rows = store.read("reports").to_pylist()
    for name in (f"t{i}" for i in range(6)):
        mine = [row["epoch"] for row in rows if row["trial_id"] == name]
        assert mine == [epoch for epoch in range(30) for _ in range(2)]
    assert [row["trial_id"] for row in rows[::2]] == [row["trial_id"] for row in rows[1::2]]


def test_a_reader_sees_each_row_as_soon_as_it_is_acknowledged(store: StudyStore) -> None:
    other = StudyStore.open(store.path)
    with store.writer() as writer:
        for epoch in range(20):
            writer.append("reports", [{"epoch": epoch, f"metric_{epoch % 4}": 1.0}])
            assert other.read("reports").num_rows == epoch + 1
    assert other.damage() == []


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("cuttable", [True, False])
def test_a_full_disk_loses_nothing(
    store: StudyStore, disk: type[TroubledFile], error: int, cuttable: bool
) -> None:
    with store.writer() as writer:
        acknowledged = 0
        for room in range(0, 4000, 150):
            disk.room, disk.error, disk.cuttable = room, error, cuttable
            while True:
                row = {"time": 0.0, "epoch": acknowledged, "loss": 0.5}
                try:
                    writer.append("reports", [row, row])
                except StoreWriteError as refusal:
                    assert os.strerror(error) in str(refusal)
                    break
                acknowledged += 1
            assert _epochs(store) == [epoch for epoch in range(acknowledged) for _ in range(2)]
        disk.room, disk.cuttable = 2**40, True
        writer.append("reports", [{"time": 0.0, "epoch": acknowledged}])
        writer.sync()
    assert acknowledged > 4
    assert _epochs(store)[-1] == acknowledged
    assert len(_epochs(store)) == 2 * acknowledged + 1
    assert bool(store.damage()) is not cuttable  # a tail that could not be cut is told


def test_a_new_segment_on_a_full_disk(store: StudyStore, disk: type[TroubledFile]) -> None:
    with store.writer() as writer:
        writer.append("reports", [{"epoch": 0}])
        disk.room = 10
        with pytest.raises(StoreWriteError):
            writer.append("reports", [{"epoch": 1, "loss": 0.5}])
        disk.room = 2**40
        writer.append("reports", [{"epoch": 1, "loss": 0.5}])
    assert _epochs(store) == [0, 1]
    assert store.damage() == []


@pytest.mark.parametrize("forgets", [True, False])
def test_a_failed_fsync_is_made_good(
    store: StudyStore, monkeypatch: pytest.MonkeyPatch, forgets: bool
) -> None:
    """The kernel may drop pages after a failed fsync; a second, successful one proves nothing."""
    writer = store.writer()
    writer.append("reports", [{"epoch": 0}])
    writer.sync()
    writer.append("reports", [{"epoch": 1}])
    writer.append("reports", [{"epoch": 2}, {"epoch": 3}])
    (path,) = (store.path / "segments" / "reports").iterdir()
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _refuse)
        for _ in range(2):
            with pytest.raises(StoreWriteError):
                writer.sync()
            assert _epochs(store) == [0, 1, 2, 3]
    if forgets:
        os.truncate(path, path.stat().st_size - 500)
    writer.append("reports", [{"epoch": 4, "loss": 0.5}])
    writer.sync()
    assert _epochs(store) == [0, 1, 2, 3, 4]
    store.compact()
    assert _epochs(store) == [0, 1, 2, 3, 4]
    writer.close()


def test_syncs_by_itself_before_it_holds_too_much(
    store: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "_MOST_UNSYNCED", 5)
    writer = store.writer()
    for epoch in range(5):
        writer.append("reports", [{"epoch": epoch}])
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _refuse)
        with pytest.raises(StoreWriteError):
            writer.append("reports", [{"epoch": 5}])
    writer.close()
    assert _epochs(store) == [0, 1, 2, 3, 4]


def test_a_really_full_disk_loses_nothing(tiny_disk: Path) -> None:
    store = StudyStore.create(tiny_disk / "study", {"name": "x"})
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(b"x" * 30_000)
    with store.writer() as writer:
        acknowledged = 0
        with pytest.raises(StoreWriteError, match="No space left"):
            for acknowledged in range(1000):
                writer.append("reports", [{"time": 0.0, "epoch": acknowledged}])
        assert 0 < acknowledged < 999
        assert _epochs(store) == list(range(acknowledged))
        with pytest.raises(StoreWriteError, match="No space left"):
            store.compact()
        assert _epochs(store) == list(range(acknowledged))
        ballast.unlink()
        writer.append("reports", [{"time": 0.0, "epoch": acknowledged}])
    assert _epochs(store) == list(range(acknowledged + 1))
    store.compact()
    assert _epochs(store) == list(range(acknowledged + 1))
    assert store.damage() == []


KILLED = """
import sys
from joulefront.store import StudyStore
with StudyStore.open(sys.argv[1]).writer() as writer:
    for epoch in range(10**6):
        row = {"trial_id": writer.writer_id, "epoch": epoch, "note": "x" * (epoch % 5000)}
        writer.append("reports", [row, {**row, f"metric_{epoch // 20 % 3}": 1.0}])
        print(writer.writer_id, epoch, flush=True)
"""


def test_a_killed_writer_loses_no_acknowledged_row(store: StudyStore) -> None:
    acknowledged: dict[str, int] = {}
    for enough in (1, 50, 120):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(store.path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(enough)]
        process.kill()  # SIGKILL
        lines += process.stdout.read().splitlines()
        process.stdout.close()
        process.wait()
        writer_id, epoch = [line.split() for line in lines if len(line.split()) == 2][-1]
        acknowledged[writer_id] = int(epoch)
    rows = store.read("reports").select(["trial_id", "epoch"]).to_pylist()
    for writer_id, last in acknowledged.items():
        epochs = [row["epoch"] for row in rows if row["trial_id"] == writer_id]
        assert epochs == [epoch for epoch in range(len(epochs) // 2) for _ in range(2)]
        assert len(epochs) // 2 > last
    assert all("no whole batch" in line for line in store.damage())


def test_a_store_that_loses_its_last_row_would_be_caught(
    store: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison that the tests above make does fail for such a store."""
    write = segments.FileSegment.write
    monkeypatch.setattr(
        segments.FileSegment,
        "write",
        lambda segment, batch, first: write(segment, batch.slice(0, max(len(batch) - 1, 1)), first),
    )
    with store.writer() as writer:
        writer.append("reports", [{"epoch": 0}, {"epoch": 1}])
    assert _epochs(store) != [0, 1]


def test_polars_and_pyarrow_open_a_segment(segment: Callable[[int], Path]) -> None:
    path = segment(3)
    with pa.OSFile(str(path)) as file, pa.ipc.open_stream(file) as stream:
        assert stream.read_all()["epoch"].to_pylist() == [0, 1, 2]
    assert polars.read_ipc_stream(path)["note"].to_list() == ["é0", "é1", "é2"]


def _epochs(store: StudyStore) -> list[int]:
    epochs: list[int] = store.read("reports").sort_by("epoch")["epoch"].to_pylist()
    return epochs


def _refuse(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
