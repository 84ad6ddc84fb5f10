"""Parquet is a copy: it never changes what is read, only how fast."""

from __future__ import annotations

import json
import os
import random
import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars
import pytest

import joulefront.store.study_store as study_store
from joulefront.errors import StoreWriteError
from joulefront.store import SCHEMAS, Place, StoreWriter, StudyStore

Present = Callable[[StudyStore, str], list[dict[str, Any]]]


@pytest.fixture
def filled(store: StudyStore) -> StudyStore:
    """Rows of three writers, with gaps, ties in time and every kind of column."""
    for name in ("b", "a", "c"):
        with StoreWriter(store.place, name) as writer:
            for index in range(6):
                row = {"time": float(index // 2), "trial_id": f"{name}{index}", "attempt": 0}
                extra = [{"x": index}, {"x": 0.5}, {"x": None, "name": "é"}][index % 3]
                writer.append("trials", [{**row, "nothing": None, **extra}])
                writer.append("energy", [{**row, "joules": 1.5, "component": "cpu"}] * 2)
                writer.append("ledger", [{"kind": "sample", "host": name, "monotonic_ns": index}])
    return store


def test_the_same_rows_before_and_after(filled: StudyStore) -> None:
    before = {table: filled.read(table) for table in SCHEMAS}
    for _ in range(2):
        filled.compact()
        for table, rows in before.items():
            assert StudyStore.open(filled.path).read(table).equals(rows)
    assert len(list((filled.path / "parquet").iterdir())) == len(SCHEMAS)
    assert filled.damage() == []


def test_rows_after_compaction_are_read_from_their_segments(
    store: StudyStore, segment: Callable[[int], Path]
) -> None:
    path = segment(3)
    with store.writer() as writer:
        for epoch in range(3, 9):
            writer.append("reports", [{"time": float(epoch), "epoch": epoch, "loss": epoch}])
            if epoch % 2:
                store.compact()
            assert store.read("reports")["epoch"].to_pylist() == list(range(epoch + 1))
        path.unlink()  # covered, so no longer needed
        store.compact()
        assert store.read("reports")["epoch"].to_pylist() == list(range(9))
    assert store.damage() == []
    shutil.rmtree(store.path / "parquet")
    assert store.read("reports")["epoch"].to_pylist() == list(range(3, 9))
    assert f"segments/reports/{path.name} is absent: its rows are lost" in store.damage()


@pytest.mark.parametrize("name", ["manifest.json", "parquet", "parquet/trials-000001.parquet"])
def test_without_manifest_or_parquet_the_segments_do(filled: StudyStore, name: str) -> None:
    rows = filled.read("trials")
    filled.compact()
    path = filled.path / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert filled.read("trials").equals(rows)
    assert bool(filled.damage()) is (name != "manifest.json")
    filled.compact()
    assert StudyStore.open(filled.path).read("trials").equals(rows)


def test_a_half_written_manifest(filled: StudyStore) -> None:
    rows = filled.read("trials")
    filled.compact()
    manifest = filled.path / "manifest.json"
    whole = manifest.read_bytes()
    for length in range(0, len(whole) - 1, 41):
        manifest.write_bytes(whole[:length])
        reader = StudyStore.open(filled.path)
        assert reader.read("trials").equals(rows)
        assert "manifest.json" in reader.damage()[0]
    document = json.loads(whole)
    document["content"]["tables"]["trials"]["covered_bytes"] = {}
    manifest.write_text(json.dumps(document))
    reader = StudyStore.open(filled.path)
    assert reader.read("trials").equals(rows)
    assert reader.damage()


def test_a_flipped_bit_in_parquet_is_told(filled: StudyStore) -> None:
    rows = filled.read("trials")
    filled.compact()
    path = filled.path / "parquet" / "trials-000001.parquet"
    whole = path.read_bytes()
    generator = random.Random(0)
    for place in range(0, len(whole), len(whole) // 60):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        reader = StudyStore.open(filled.path)
        assert reader.read("trials").equals(rows)
        assert "trials-000001.parquet" in reader.damage()[0]


def test_rows_lost_with_both_copies_are_told(filled: StudyStore) -> None:
    filled.compact()
    (filled.path / "parquet" / "trials-000001.parquet").unlink()
    for path in (filled.path / "segments" / "trials").glob("a-*"):
        path.unlink()
    assert len(filled.read("trials")) == 12
    assert any("rows are lost" in line for line in filled.damage())


def test_damage_is_still_told_after_compaction(
    store: StudyStore, segment: Callable[[int], Path]
) -> None:
    path = segment(5)
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) // 2 + 100] ^= 1
    path.write_bytes(damaged)
    rows = store.read("reports")
    assert len(rows) == 4
    store.compact()
    reader = StudyStore.open(store.path)
    assert reader.read("reports").equals(rows)
    assert reader.damage() == store.damage()


def test_other_programs_open_parquet(filled: StudyStore) -> None:
    filled.compact()
    path = filled.path / "parquet" / "trials-000001.parquet"
    with duckdb.connect() as connection:
        found = connection.sql(f"select trial_id, x, name from '{path}'").fetchall()
    assert len(found) == 18
    frame = polars.read_parquet(path)
    assert frame["x"].to_list() == [row[1] for row in found]
    assert frame["trial_id"].to_list() == [row[0] for row in found]


def test_compactors_and_readers_at_once(filled: StudyStore) -> None:
    rows = filled.read("trials")
    failures: list[BaseException] = []

    def work(action: Callable[[StudyStore], object]) -> None:
        try:
            for _ in range(5):
                action(StudyStore.open(filled.path))
        except BaseException as error:
            failures.append(error)

    def check(reader: StudyStore) -> None:
        assert reader.read("trials").equals(rows)

    threads = [
        threading.Thread(target=work, args=(action,))
        for action in (StudyStore.compact, StudyStore.compact, check, check)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    filled.compact()
    assert len(list((filled.path / "parquet").iterdir())) == len(SCHEMAS)


def test_a_generation_replaced_while_it_is_opened(
    filled: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = filled.read("trials")
    filled.compact()
    read = study_store.read_generation

    def read_too_late(place: Place, entry: Any, *columns: Any) -> Any:
        monkeypatch.setattr(study_store, "read_generation", read)
        StudyStore.open(filled.path).compact()
        assert not place.exists(f"parquet/{entry.file}")
        return read(place, entry)

    monkeypatch.setattr(study_store, "read_generation", read_too_late)
    assert filled.read("trials").equals(rows)
    assert filled.damage() == []


def test_a_full_disk_leaves_the_older_generation(
    filled: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled.compact()
    rows = filled.read("trials")
    files = sorted(filled.path.rglob("*"))
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _refuse)
        with pytest.raises(StoreWriteError):
            filled.compact()
    assert sorted(filled.path.rglob("*")) == files
    assert filled.read("trials").equals(rows)


def _refuse(_: int) -> None:
    raise OSError(28, os.strerror(28))
