"""A study directory as a whole: made once, opened safely, refused clearly."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest

import joulefront.store
from joulefront.energy import Row
from joulefront.errors import StoreReadError, StoreWriteError, StudyError
from joulefront.store import SCHEMAS, StudyStore, is_remote

HEADER = {"name": "x", "objectives": [{"metric": "loss", "direction": "minimise"}], "n": 0.5}


def test_a_header_comes_back(tmp_path: Path) -> None:
    made = StudyStore.create(tmp_path / "deep" / "study", HEADER)
    assert made.header == HEADER
    assert made.path == tmp_path / "deep" / "study"
    assert StudyStore.open(str(made.path)).header == HEADER
    assert StudyStore.exists(made.path)
    assert not StudyStore.exists(tmp_path)


def test_an_empty_study_reads_as_empty_tables(store: StudyStore) -> None:
    for table, schema in SCHEMAS.items():
        assert store.read(table).equals(schema.empty_table())
    with pytest.raises(ValueError, match="table must be one of"):
        store.read("nothing")


def test_a_study_of_an_older_version_has_the_newer_columns_empty(
    store: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer = {"quality_reasons", "foreign_cpu_share", "node_class", "energy_total_joules"}
    names = [name for name in SCHEMAS["trials"].names if name not in newer]
    older = {"trials": pa.schema([SCHEMAS["trials"].field(name) for name in names])}
    with monkeypatch.context() as patched:
        for module in ("writer", "reading", "schema", "study_store"):
            patched.setattr(f"joulefront.store.{module}.SCHEMAS", older)
        with store.writer() as writer:
            writer.append("trials", [{"trial_id": "a", "energy_joules": 1.0}])
        store.compact()
    for _ in range(2):
        (row,) = store.read("trials").to_pylist()
        assert row["energy_joules"] == 1.0 and {row[name] for name in newer} == {None}
        assert store.read("ledger").num_rows == 0 and store.damage() == []
        store.compact()


def test_a_ledger_comes_back_as_it_was(store: StudyStore) -> None:
    rows = [
        Row(kind=kind, host="h", meter="m", monotonic_ns=2**62 + i, details={"n": i, "x": [0.1]})
        for i, kind in enumerate(["host", "sample"])
    ]
    with store.writer() as writer:
        for row in rows:
            writer.append("ledger", [row.to_columns()])
    for _ in range(2):
        assert [Row.from_columns(row) for row in store.read("ledger").to_pylist()] == rows
        store.compact()


def test_an_existing_study_is_refused(store: StudyStore) -> None:
    with pytest.raises(StudyError, match="--resume"):
        StudyStore.create(store.path, HEADER)
    assert store.header == StudyStore.open(store.path).header
    with store.writer() as writer:
        writer.append("events", [{"kind": "x"}])
    (store.path / "study.json").unlink()
    with pytest.raises(StudyError, match="--resume"):
        StudyStore.create(store.path, HEADER)


def test_one_of_several_creators_succeeds(tmp_path: Path) -> None:
    outcomes: list[str] = []

    def make(name: str) -> None:
        try:
            StudyStore.create(tmp_path / "study", {"name": name})
            outcomes.append(name)
        except StudyError:
            outcomes.append("")

    threads = [threading.Thread(target=make, args=(f"{i}",)) for i in range(1, 6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes)[:4] == [""] * 4
    assert StudyStore.open(tmp_path / "study").header == {"name": max(outcomes)}
    names = sorted(path.name for path in (tmp_path / "study").iterdir())
    assert names == ["study.copy.json", "study.json"]


def test_no_study_is_told_from_a_damaged_one(tmp_path: Path, store: StudyStore) -> None:
    for path in (tmp_path, tmp_path / "none", store.path / "study.json"):
        with pytest.raises(StudyError, match="must be a study directory"):
            StudyStore.open(path)
    path = store.path / "study.json"
    (store.path / "study.copy.json").unlink()
    whole = path.read_text()
    damaged = [whole.replace("mask_sweep", "mask_swoop"), whole[:-9], "", "[]", "\x00", "{}"]
    for text in [*damaged, '{"sha256": 1, "content": null}']:
        path.write_text(text)
        with pytest.raises(StoreReadError, match="checksum"):
            StudyStore.open(store.path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(StoreReadError, match="checksum"):
        StudyStore.open(store.path)


@pytest.mark.parametrize("data", [None, b"", b"{"])
def test_a_damaged_header_is_read_from_its_copy(store: StudyStore, data: bytes | None) -> None:
    path = store.path / "study.json"
    path.unlink() if data is None else path.write_bytes(data)
    assert StudyStore.exists(store.path)
    opened = StudyStore.open(store.path)
    assert opened.header == store.header
    assert "study.copy.json was read instead" in opened.damage()[0]
    healed = opened.with_header({"name": "another"})
    assert (healed.header, healed.damage()) == ({"name": "another"}, [])


def test_a_flipped_bit_of_a_value_is_noticed(store: StudyStore) -> None:
    path = store.path / "study.json"
    (store.path / "study.copy.json").unlink()
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            assert StudyStore.open(store.path).header == store.header
        except StoreReadError:
            continue


def test_a_later_format_is_refused(store: StudyStore) -> None:
    content = {"format": 2, "study": {}}
    (store.path / "study.json").write_bytes(joulefront.store.durable.seal(content))
    with pytest.raises(StoreReadError, match="format 2"):
        StudyStore.open(store.path)


@pytest.mark.parametrize("uri", ["s3://bucket", "gs://", "file:///x", Path("s3://b/x")])
def test_other_uris_are_refused_by_name(uri: str | Path) -> None:
    assert is_remote(uri)
    for use in (StudyStore.open, StudyStore.exists, lambda path: StudyStore.create(path, {})):
        with pytest.raises(StudyError, match="must be s3://BUCKET/PREFIX"):
            use(uri)


def test_usual_paths_are_local() -> None:
    for path in ("results/x", "/a/b", "C:/study", "a:b", Path("x")):
        assert not is_remote(path)


READ_ONLY = """
import os, sys
import pandas  # Arrow imports it by and by, and another user may not read this environment
from joulefront.errors import StoreWriteError
from joulefront.store import StudyStore, save_checkpoint
if os.getuid() == 0:
    os.setuid(65534)
store = StudyStore.open(sys.argv[1])
assert store.read("events").num_rows == 1
refused = 0
for use in (
    lambda: StudyStore.create(store.path / "inner", {}),
    lambda: store.writer().append("events", [{"kind": "x"}]),
    store.compact,
    lambda: save_checkpoint(store.path, "t", 0, 0, store.path / "segments"),
):
    try:
        use()
    except StoreWriteError as error:
        assert "Permission denied" in str(error) and "--store" in str(error), error
        refused += 1
assert refused == 4, refused
assert store.read("events").num_rows == 1
"""


def test_a_read_only_folder_is_read_and_not_written(store: StudyStore) -> None:
    with store.writer() as writer:
        writer.append("events", [{"kind": "x"}])
    folders = [store.path, *(path for path in store.path.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", READ_ONLY, "."],
            cwd=store.path,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.returncode == 0, done.stderr


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreWriteError, match="must be writable"):
        StudyStore.create(tmp_path / "file" / "study", {})


def test_the_public_names_are_sorted_and_there() -> None:
    names = joulefront.store.__all__
    constants, classes = [n for n in names if n.isupper()], [n for n in names if n[1].islower()]
    functions = [name for name in names if name.islower()]
    assert names == sorted(constants) + sorted(set(classes) - set(functions)) + sorted(functions)
    assert all(hasattr(joulefront.store, name) for name in names)


def test_nothing_heavy_and_nothing_that_unpickles_is_imported() -> None:
    code = (
        "import sys, joulefront.store\n"
        "print([n for n in ('ray', 'torch', 'pandas', 'optuna') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    folder = Path(joulefront.store.__file__).parent
    sources = "".join(path.read_text() for path in folder.glob("*.py"))
    assert not any(
        word in sources for word in ("import pickle", "import marshal", "eval(", "exec(")
    )
