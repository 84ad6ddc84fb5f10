"""A study in an object store, here a local S3: all that a folder promises, and what differs."""

from __future__ import annotations

import pickle
import threading
import time
from pathlib import Path
from typing import Any

import pyarrow.dataset
import pyarrow.fs
import pytest

from joulefront.errors import StoreReadError, StoreWriteError, StudyError
from joulefront.store import (
    StudyStore,
    checkpointed_trials,
    drop_checkpoints,
    examine,
    fetched,
    is_sound,
    latest_checkpoint,
    place_of,
    save_checkpoint,
    segments,
    writer,
)
from joulefront.store.objects import Objects, _first_line


@pytest.fixture
def remote(bucket: str) -> StudyStore:
    return StudyStore.create(f"{bucket}/study", {"name": "mask_sweep"})


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "weights.pt").write_bytes(bytes(range(256)) * 100)
    (folder / "state.json").write_text("{}")
    return folder


def _epochs(uri: str) -> list[int]:
    return [row["epoch"] for row in StudyStore.open(uri).read("reports").to_pylist()]


def test_a_study_is_made_once_and_found_again(remote: StudyStore) -> None:
    assert StudyStore.exists(remote.uri)
    assert StudyStore.open(remote.uri).header == {"name": "mask_sweep"}
    assert remote.with_header({"name": "b"}).header == {"name": "b"}
    with pytest.raises(StudyError, match="must not hold a study yet"):
        StudyStore.create(remote.uri, {})
    with pytest.raises(StudyError, match="study must be a study"):
        StudyStore.open(remote.uri.removesuffix("/study") + "/other/study")
    with pytest.raises(StudyError, match="a study in a folder"):
        _ = remote.path


def test_rows_are_read_once_synced_from_few_objects(
    remote: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("joulefront.store.writer._PUT_SECONDS", 60.0)
    with remote.writer() as writer:
        for epoch in range(20):
            writer.append("reports", [{"time": float(epoch), "epoch": epoch, "loss": 0.5}])
            assert _epochs(remote.uri) == list(range(epoch))
            writer.flush()
        assert len(remote.place.entries("segments")) == 1
        remote.compact()
        writer.append("reports", [{"time": 20.0, "epoch": 20, "accuracy": 1}])
    read = StudyStore.open(remote.uri)
    assert read.read("reports")["epoch"].to_pylist() == list(range(21))
    assert len(remote.place.entries("segments")) == 2
    assert read.damage() == []


def test_a_full_object_is_followed_by_another(
    remote: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "_FULL_BYTES", 4000)
    with remote.writer() as writer:
        for epoch in range(20):
            writer.append("reports", [{"time": float(epoch), "epoch": epoch}])
    assert _epochs(remote.uri) == list(range(20))
    assert len(remote.place.entries("segments")) > 2


def test_what_nobody_flushes_is_put_by_itself(
    remote: StudyStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "_PUT_SECONDS", 0.05)
    appended = remote.writer()
    refusals = iter([StoreWriteError("the object must be writable")])
    real = Objects.replace

    def refuse_once(*arguments: Any) -> dict[str, str]:
        if error := next(refusals, None):
            raise error
        return real(*arguments)

    monkeypatch.setattr(Objects, "replace", refuse_once)
    appended.append("reports", [{"time": 0.0, "epoch": 0}])
    deadline = time.monotonic() + 5
    while _epochs(remote.uri) != [0] and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (_epochs(remote.uri), next(refusals, None)) == ([0], None)
    appended.close()


def test_a_refused_put_is_made_up_for(remote: StudyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    with remote.writer() as writer:
        writer.append("reports", [{"time": 0.0, "epoch": 0}])
        writer.sync()
        with monkeypatch.context() as broken:
            broken.setattr(Objects, "replace", _refuse)
            writer.append("reports", [{"time": 1.0, "epoch": 1}])
            with pytest.raises(StoreWriteError):
                writer.sync()
        writer.append("reports", [{"time": 2.0, "epoch": 2}])
    assert _epochs(remote.uri) == [0, 1, 2]


def test_a_late_put_cannot_undo_a_newer_one(remote: StudyStore) -> None:
    objects = remote.place
    assert isinstance(objects, Objects)
    first = objects.replace("x", b"1", None)
    objects.replace("x", b"12", first)
    with pytest.raises(StoreWriteError, match="another version"):
        objects.replace("x", b"1?", first)
    assert objects.read("x") == b"12"


def test_of_several_publishers_at_once_one_succeeds(remote: StudyStore) -> None:
    won: list[bytes] = []

    def race(data: bytes) -> None:
        if place_of(remote.uri).publish("lease", data, exclusive=True):
            won.append(data)

    threads = [threading.Thread(target=race, args=(b"%d" % i,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert won == [remote.place.read("lease")]


def test_a_place_reads_lists_and_removes_as_a_folder_does(
    remote: StudyStore, tmp_path: Path
) -> None:
    for place in (remote.place, place_of(tmp_path)):
        place.publish("a/b", b"0123")
        place.publish("ab", b"")
        found = [place.read("a/b", 2), place.read("a/b", 1, 2), place.read("a/b", 4, 9)]
        assert found == [b"23", b"12", b""]
        assert [tuple(entry) for entry in place.entries("a")] == [("a/b", 4)]
        place.remove("a")
        place.remove("a")
        assert (place.exists("a"), place.exists("ab"), place.entries("a")) == (False, True, [])
        with pytest.raises(FileNotFoundError):
            place.read("a/b")
        assert pickle.loads(pickle.dumps(place)).exists("ab")


def test_checkpoints_come_back_whole(remote: StudyStore, source: Path) -> None:
    assert latest_checkpoint(remote.uri, "t") is None
    for epoch in (1, 2):
        save_checkpoint(remote.uri, "t", 1, epoch, source, {"loss": 0.5})
    found = latest_checkpoint(remote.uri, "t")
    assert found is not None
    assert (found.epoch, found.metrics, checkpointed_trials(remote.uri)) == (
        2,
        {"loss": 0.5},
        ["t"],
    )
    with fetched(found.uri) as folder:
        assert (folder / "inner" / "weights.pt").read_bytes() == bytes(range(256)) * 100
    assert not folder.exists()
    upload = "checkpoints/t/0001-000003-000003/files/state.json"
    remote.place.publish(upload, b"of a process that was killed before it had put them all")
    assert is_sound(examine(remote.place))
    assert latest_checkpoint(remote.uri, "t") == found
    name = next(e.name for e in remote.place.entries("checkpoints") if "weights" in e.name)
    remote.place.publish(name, b"damaged")
    assert latest_checkpoint(remote.uri, "t") is None
    with pytest.raises(StoreReadError, match="whole checkpoint"), fetched(found.uri):
        pass
    drop_checkpoints(remote.uri, "t")
    assert remote.place.entries("checkpoints") == []


def test_others_read_the_parquet_files(
    remote: StudyStore, _s3_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with remote.writer() as writer:
        writer.append("reports", [{"epoch": 1}, {"epoch": 2}])
    remote.compact()
    path = f"{remote.uri.removeprefix('s3://')}/parquet/reports-000001.parquet"
    files = pyarrow.fs.S3FileSystem(
        endpoint_override=_s3_server.removeprefix("http://"), scheme="http"
    )
    found = pyarrow.dataset.dataset(path, filesystem=files)
    assert found.count_rows() == 2


def test_a_bucket_that_is_not_there_is_named(bucket: str) -> None:
    with pytest.raises((StudyError, StoreReadError, StoreWriteError), match="s3://nowhere/x"):
        StudyStore.create("s3://nowhere/x", {})


def test_credentials_stay_out_of_the_study(remote: StudyStore) -> None:
    for name, _ in remote.place.entries(""):
        assert b"secret" not in remote.place.read(name)
    assert b"secret" not in pickle.dumps(remote.place)


def _refuse(*_: object) -> None:
    raise StoreWriteError("the object must be writable", given="a broken network")


def test_nothing_is_sent_in_the_clear_unless_it_is_allowed(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://10.0.0.9:9000")
    with pytest.raises(StudyError, match="AWS_ALLOW_HTTP"):
        place_of("s3://bucket/study")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    assert place_of("s3://bucket/study").local is None


def test_a_machine_without_a_role_has_no_credentials():
    asked = "Error performing PUT http://169.254.169.254/latest/api/token in 1 ms: refused\nmore"
    assert _first_line(OSError(asked)).startswith("no credentials: neither AWS_ACCESS_KEY_ID")
    assert _first_line(OSError("broken\nmore")) == "broken"
