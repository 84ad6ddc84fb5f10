from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from joulefront.trial import DataError, SplitError
from trainables.cohorts import Cohort, load_cohort, oasis1, split_cohort
from trainables.cohorts.cache import cache_folder
from trainables.cohorts.oasis1 import TABLE

Rows = list[list[str]]
HEADER = ["ID", "M/F", "Hand", "Age", "Educ", "SES", "MMSE", "CDR", "eTIV", "nWBV", "ASF", "Delay"]


def _load(root: Path, **data: Any) -> Cohort:
    return load_cohort({"cohort": "oasis1", "root": str(root), "image_size": 24, **data})


def test_reads_the_layout(make_oasis: Callable[..., Path]) -> None:
    cohort = _load(make_oasis())
    assert len(cohort) == 12
    assert cohort.images.shape == (12, 3, 24, 24)
    assert cohort.numeric_names == ("age", "education", "ses", "mmse", "etiv", "nwbv", "asf")
    np.testing.assert_array_equal(cohort.labels[:4], [1, 0, 1, 0])
    assert np.isnan(cohort.numeric[:, 2]).all()
    assert cohort.numeric[3, 0] == 68
    assert cohort.categorical[:3, 0].tolist() == [0, 1, 0]
    assert cohort.notes == ()
    assert _load(make_oasis(), planes=["sagittal"]).images.shape[1] == 1


def test_row_order_does_not_matter(make_oasis: Callable[..., Path], oasis_rows: Rows) -> None:
    first = _load(make_oasis())
    second = _load(make_oasis(rows=oasis_rows[::-1]))
    assert first.fingerprint == second.fingerprint


def test_cdr_is_never_an_input(make_oasis: Callable[..., Path], oasis_rows: Rows) -> None:
    first = _load(make_oasis())
    assert "cdr" not in {name.lower() for name in first.numeric_names + first.categorical_names}
    for row in oasis_rows:
        row[7] = {"0": "0.0", "0.5": "2"}[row[7]]
    second = _load(make_oasis(rows=oasis_rows))
    assert second.fingerprint == first.fingerprint
    for row in oasis_rows:
        row[7] = {"0.0": "1", "2": "0"}[row[7]]
    swapped = _load(make_oasis(rows=oasis_rows))
    np.testing.assert_array_equal(swapped.labels, 1 - first.labels)
    np.testing.assert_array_equal(swapped.numeric, first.numeric)
    np.testing.assert_array_equal(swapped.categorical, first.categorical)
    np.testing.assert_array_equal(swapped.images, first.images)


def test_a_rescan_stays_with_its_person(make_oasis: Callable[..., Path]) -> None:
    cohort = _load(make_oasis())
    assert cohort.subjects[-2:] == ("OAS1_0010_MR1", "OAS1_0010_MR2")
    assert cohort.groups[-2:] == ("OAS1_0010",) * 2
    data = {"cohort": "oasis1", "folds": 2}
    for fold in range(2):
        split = split_cohort(cohort, data, fold)
        for side in (split.train, split.validation, split.test):
            assert (10 in side) == (11 in side)


def test_what_does_not_match_is_left_out_and_counted(
    make_oasis: Callable[..., Path], oasis_rows: Rows
) -> None:
    root = make_oasis(rows=oasis_rows[2:])
    (root / "images" / "coronal" / "OAS1_0005_MR1.jpg").unlink()
    cohort = _load(root)
    assert len(cohort) == 9
    assert cohort.notes == (
        "1 rows without a slice in every plane were left out",
        "2 subjects with slices but without a row were left out",
    )
    assert len(_load(root, planes=["axial"])) == 10


def test_a_nan_label_names_its_rows(make_oasis: Callable[..., Path], oasis_rows: Rows) -> None:
    oasis_rows[3][7] = ""
    oasis_rows[4][7] = "NA"
    with pytest.raises(DataError, match=r"CDR.*none for OAS1_0003_MR1, OAS1_0004_MR1"):
        _load(make_oasis(rows=oasis_rows))


def test_one_class_cannot_be_split(make_oasis: Callable[..., Path], oasis_rows: Rows) -> None:
    for row in oasis_rows:
        row[7] = "0"
    cohort = _load(make_oasis(rows=oasis_rows))
    with pytest.raises(SplitError, match=r"0 people with label 1"):
        split_cohort(cohort, {"cohort": "oasis1", "folds": 2}, 0)


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        (0, "../../etc/passwd", "ID must be letters"),
        (0, "/etc/passwd", "ID must be letters"),
        (0, "", "ID must be letters"),
        (0, "OAS1_0003_MR1", "an ID must stand in one row only"),
        (1, "female?", "M/F must be F or M"),
        (3, "765", "Age '765' \\(was it 76.5"),
        (4, "0", "Educ '0'"),
        (6, "31", "MMSE '31'"),
        (7, "0.3", "CDR must be 0, 0.5, 1, 2 or 3"),
        (7, "yes", "CDR 'yes'"),
        (9, "823", "nWBV '823' \\(was it 0.823"),
        (10, "1252", "ASF '1252' \\(was it 1.252"),
    ],
)
def test_impossible_cells(
    make_oasis: Callable[..., Path], oasis_rows: Rows, column: int, cell: str, message: str
) -> None:
    rows = [row.copy() for row in oasis_rows]
    rows[2][column] = cell
    with pytest.raises(DataError, match=message):
        _load(make_oasis(rows=rows))


def test_a_missing_column(make_oasis: Callable[..., Path]) -> None:
    header = ["nBV" if name == "nWBV" else name for name in HEADER]
    with pytest.raises(DataError, match=r"one column nWBV.*did you mean nbv"):
        _load(make_oasis(header=header))


def test_broken_folders(make_oasis: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data.root must be the folder"):
        _load(tmp_path / "nowhere")
    root = make_oasis()
    (root / "images" / "axial" / "OAS1_0002_MR1.jpg").write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(DataError, match=r"readable picture.*OAS1_0002_MR1\.jpg"):
        _load(root)
    for file in (root / "images" / "axial").iterdir():
        file.unlink()
    with pytest.raises(DataError, match="at least one row"):
        _load(root)
    (root / "images" / "axial").rmdir()
    with pytest.raises(DataError, match="every plane asked for"):
        _load(root)
    (root / "oasis_cross-sectional.csv").write_text("")
    with pytest.raises(DataError, match="at least one row"):
        _load(root)


@pytest.mark.parametrize("name", ["images/coronal/OAS1_0001_MR1.jpg", "images/coronal", TABLE])
def test_links_cannot_lead_out_of_the_folder(
    make_oasis: Callable[..., Path], tmp_path: Path, name: str
) -> None:
    root = make_oasis()
    outside = tmp_path / "outside"
    (root / name).rename(outside)
    (root / name).symlink_to(outside)
    with pytest.raises(DataError, match=r"must be ordinary files inside data\.root"):
        _load(root)
    (tmp_path / "link").symlink_to(root)
    (root / name).unlink()
    outside.rename(root / name)
    assert len(_load(tmp_path / "link")) == 12


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "a/b", "..", "a\x1b[2J"])
def test_ids_cannot_lead_out_of_the_folder(
    make_oasis: Callable[..., Path], oasis_rows: Rows, name: str
) -> None:
    rows = [[name, *oasis_rows[0][1:]], *oasis_rows[1:]]
    with pytest.raises(DataError, match="an ID must be letters, digits"):
        _load(make_oasis(rows=rows))


def test_a_changed_folder_is_read_again(make_oasis: Callable[..., Path]) -> None:
    root = make_oasis()
    first = _load(root)
    assert _load(root) is first
    table = root / "oasis_cross-sectional.csv"
    table.write_text(table.read_text().replace(",28,", ",29,"))
    os.utime(table, ns=(1, 1))
    assert _load(root).numeric[0, 3] == 29


def test_pictures_are_decoded_once(
    make_oasis: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_oasis()
    first = _load(root)
    oasis1._read.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(oasis1, "read_slice", None)  # from the cache, or not at all
        again = _load(root)
    assert again.fingerprint == first.fingerprint
    assert not again.images.flags.owndata  # mapped
    for file in cache_folder().iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    oasis1._read.cache_clear()
    assert _load(root).fingerprint == first.fingerprint
    oasis1._read.cache_clear()
    assert not _load(root).images.flags.owndata  # published anew


def test_another_picture_is_noticed_behind_the_same_size_and_time(
    make_oasis: Callable[..., Path],
) -> None:
    root = make_oasis()
    first = _load(root)
    slice_, other = (root / "images" / "axial" / f"OAS1_000{n}_MR1.jpg" for n in (1, 2))
    stat, size = slice_.stat(), max(slice_.stat().st_size, other.stat().st_size)
    for file in (slice_, other):  # bytes behind the end of a picture are not read
        file.write_bytes(file.read_bytes().ljust(size, b"\0"))
    padded = _load(root)
    assert padded.fingerprint == first.fingerprint
    slice_.write_bytes(other.read_bytes())
    os.utime(slice_, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    np.testing.assert_array_equal(_load(root).images[1, 0], first.images[2, 0])


def test_the_real_folder(real_oasis: Path) -> None:
    cohort = load_cohort({"cohort": "oasis1", "root": str(real_oasis)})
    assert np.bincount(cohort.labels).tolist() == [70, 70]
    assert cohort.images.shape == (140, 3, 96, 96)
    assert np.isnan(cohort.numeric).sum(axis=0).tolist() == [0, 0, 14, 0, 0, 0, 0]
    assert np.bincount(cohort.categorical[:, 0]).tolist() == [93, 47]
    assert cohort.images.max(axis=(1, 2, 3)).min() > 0.9
