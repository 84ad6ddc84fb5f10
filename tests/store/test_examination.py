"""The report on a study: damage is found wherever it is, and a kill alone is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from joulefront.store import StudyStore, examine, is_sound, save_checkpoint


def texts(store: StudyStore) -> list[str]:
    return [f.text for f in examine(store.place) if not f.sound]


@pytest.fixture
def whole(store: StudyStore, segment: Callable[[int], Path], tmp_path: Path) -> StudyStore:
    segment(6)
    store.compact()
    source = tmp_path / "source"
    (source / "inner").mkdir(parents=True)
    (source / "inner" / "weights").write_bytes(b"0123456789")
    save_checkpoint(store.path, "t0", 1, 3, source)
    return store


def test_a_whole_study_is_sound(whole: StudyStore) -> None:
    found = examine(whole.place)
    assert is_sound(found)
    assert "1 whole, of 1 trials" in [finding.text for finding in found]


@pytest.mark.parametrize(
    "pattern",
    [
        "study.json",
        "study.copy.json",
        "manifest.json",
        "parquet/reports-*.parquet",
        "segments/reports/*.arrows",
        "checkpoints/t0/*/checksums.json",
        "checkpoints/t0/*/files/inner/weights",
    ],
)
def test_a_flipped_bit_is_found_in_every_file(whole: StudyStore, pattern: str) -> None:
    (path,) = whole.path.glob(pattern)
    data = bytearray(path.read_bytes())
    place = data.index(b"sha256") + 12 if path.suffix == ".json" else len(data) // 2
    data[place] ^= 1
    path.write_bytes(data)
    assert len(texts(whole)) == 1
    assert not is_sound(examine(whole.place))


@pytest.mark.parametrize("pattern", ["parquet/reports-*.parquet", "checkpoints/t0/*/files/inner/*"])
def test_an_absent_file_is_missed(whole: StudyStore, pattern: str) -> None:
    (path,) = whole.path.glob(pattern)
    path.unlink()
    assert len(texts(whole)) == 1


def test_what_was_compacted_is_not_lost_with_its_segment(whole: StudyStore) -> None:
    (path,) = (whole.path / "segments" / "reports").iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert ["nothing is lost" in text for text in texts(whole)] == [True]
    opened = StudyStore.open(whole.path)
    assert opened.read("reports").num_rows == 6
    assert len(opened.damage()) == 1
    (parquet,) = (whole.path / "parquet").glob("reports-*")
    parquet.unlink()
    assert any("those rows are lost" in text for text in texts(whole))


def test_a_torn_tail_is_no_damage_and_missing_rows_are_counted(
    store: StudyStore, segment: Callable[[int], Path]
) -> None:
    path = segment(5)
    data = path.read_bytes()
    path.write_bytes(data[:-10])
    assert texts(store) == []
    middle = data.rindex(b"crc32=", 0, data.rindex(b"crc32="))
    path.write_bytes(data[:middle] + b"\x00" * 100 + data[middle + 100 :])
    assert len(texts(store)) == 1
    told = [finding.text for finding in examine(store.place)]
    assert any("1 rows are missing" in text for text in told)
