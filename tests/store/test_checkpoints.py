"""Checkpoints: copied whole, checked before use, one a trial, inside their folder."""

from __future__ import annotations

import errno
import math
import os
import shutil
from pathlib import Path

import pytest

from joulefront.errors import StoreWriteError, StudyError, TrainableError
from joulefront.store import StudyStore, check_trial_id, latest_checkpoint, save_checkpoint


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "inner").mkdir(parents=True)
    (folder / "weights.pt").write_bytes(os.urandom(3000))
    (folder / "inner" / "checksums.json").write_text("the trainable's own")
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_what_was_saved_comes_back(store: StudyStore, source: Path) -> None:
    assert latest_checkpoint(store.path, "t_1") is None
    path = save_checkpoint(store.path, "t_1", 0, 3, source)
    found = latest_checkpoint(store.path, "t_1")
    assert found is not None
    assert (found.uri, found.attempt, found.epoch) == (path, 0, 3)
    assert _contents(found.path) == _contents(source)
    assert latest_checkpoint(store.path, "t_2") is None


def test_only_the_last_one_is_kept(store: StudyStore, source: Path) -> None:
    for attempt, epoch in [(0, 1), (0, 10), (0, 10), (1, 2)]:
        (source / "weights.pt").write_text(f"{attempt} {epoch}")
        save_checkpoint(store.path, "t", attempt, epoch, source)
        found = latest_checkpoint(store.path, "t")
        assert found is not None
        assert (found.path / "weights.pt").read_text() == f"{attempt} {epoch}"
        assert len(list((store.path / "checkpoints" / "t").iterdir())) == 1


def test_a_late_one_of_an_earlier_attempt_replaces_no_later_one(
    store: StudyStore, source: Path
) -> None:
    for attempt, epoch in [(1, 3), (2, 4), (1, 9)]:
        save_checkpoint(store.path, "t", attempt, epoch, source)
    found = latest_checkpoint(store.path, "t")
    assert found is not None and (found.attempt, found.epoch) == (2, 4)


@pytest.mark.parametrize(
    "name", ["files/weights.pt", "files/inner/checksums.json", "checksums.json"]
)
@pytest.mark.parametrize("how", ["truncate", "flip", "remove"])
def test_a_damaged_one_counts_as_absent(
    store: StudyStore, source: Path, name: str, how: str
) -> None:
    path = Path(save_checkpoint(store.path, "t", 0, 1, source)).parent / name
    data = bytearray(path.read_bytes())
    if how == "remove":
        path.unlink()
    elif how == "truncate":
        path.write_bytes(data[:-5])
    else:
        data[len(data) // 2] ^= 4
        path.write_bytes(data)
    assert latest_checkpoint(store.path, "t") is None
    save_checkpoint(store.path, "t", 0, 2, source)
    assert latest_checkpoint(store.path, "t") is not None


def test_a_file_too_many_is_damage(store: StudyStore, source: Path) -> None:
    Path(save_checkpoint(store.path, "t", 0, 1, source), "extra").touch()
    assert latest_checkpoint(store.path, "t") is None


def test_an_older_one_that_is_still_there_is_used(
    store: StudyStore, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when the process was killed between publishing the newer and dropping the older."""
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    save_checkpoint(store.path, "t", 0, 1, source)
    Path(save_checkpoint(store.path, "t", 0, 2, source), "weights.pt").write_bytes(b"")
    found = latest_checkpoint(store.path, "t")
    assert found is not None
    assert found.epoch == 1


def test_a_full_disk_keeps_the_older_one(
    store: StudyStore, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save_checkpoint(store.path, "t", 0, 1, source)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", _refuse)
        with pytest.raises(StoreWriteError):
            save_checkpoint(store.path, "t", 0, 2, source)
    found = latest_checkpoint(store.path, "t")
    assert found is not None
    assert found.epoch == 1
    assert len(list((store.path / "checkpoints" / "t").iterdir())) == 1


@pytest.mark.parametrize(
    "trial_id", ["", ".", "..", "../up", "a/b", "/etc", "a\\b", "a\n", "é", ".hidden", "x" * 129]
)
def test_a_trial_id_cannot_leave_its_folder(store: StudyStore, source: Path, trial_id: str) -> None:
    with pytest.raises(StudyError, match="trial id"):
        save_checkpoint(store.path, trial_id, 0, 0, source)
    with pytest.raises(StudyError, match="trial id"):
        latest_checkpoint(store.path, trial_id)
    assert not (store.path / "checkpoints").exists()


def test_usual_trial_ids_are_fine() -> None:
    for trial_id in ("0", "a1b2c_00000", "mask-sweep.3", "x" * 128):
        assert check_trial_id(trial_id) == trial_id


def test_only_folders_of_files(store: StudyStore, source: Path) -> None:
    with pytest.raises(TrainableError, match="folder"):
        save_checkpoint(store.path, "t", 0, 0, source / "weights.pt")
    (source / "link").symlink_to("/etc/hostname")
    with pytest.raises(TrainableError, match="files and folders only"):
        save_checkpoint(store.path, "t", 0, 0, source)


def _refuse(_: int) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_metrics_come_back_with_it(store: StudyStore, source: Path) -> None:
    save_checkpoint(store.path, "c0000-f0-s0", 1, 3, source, {"loss": math.inf, "note": "ß"})
    found = latest_checkpoint(store.path, "c0000-f0-s0")
    assert found is not None
    assert found.metrics == {"loss": math.inf, "note": "ß"}
