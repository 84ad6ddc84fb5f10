"""OASIS-1: cross-sectional MRI in young, middle-aged, nondemented and demented older adults.

Reads a folder of slices and the clinical table; ships none of it (the data's terms do not allow
that).

    <root>/oasis_cross-sectional.csv          ID, M/F, Age, Educ, SES, MMSE, CDR, eTIV, nWBV, ASF
    <root>/images/<plane>/<ID>.jpg            axial, coronal, sagittal mid-slice, ID = OAS1_0001_MR1

The label is CDR > 0, and CDR is never an input. Inputs are the slices, age (years), education (1 to
5), SES (1 to 5, lower is higher), MMSE (points), eTIV (cm³), nWBV (share of eTIV), ASF (factor),
and sex. Who is in: rows with a slice in each plane asked for. Rows without, and slices without a
row, are left out and counted in the notes; a row that is in but has no CDR is an error. `_MR2` is a
rescan of the same person (reliability sample) and stays on the person's side of every split.

Slices are decoded once and cached (cache.py: outside the folder, for this user only); the table is
read each time and never copied. A file whose path, size or times have changed is decoded again.
`RECIPE` counts changes of how it is decoded.

Source: Marcus et al. 2007, doi 10.1162/jocn.2007.19.9.1498 (to be cited).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import numpy as np
import PIL
from numpy.typing import NDArray

from joulefront.trial import DataError
from trainables.cohorts.cache import publish_cache, read_cache
from trainables.cohorts.cohort import Cohort
from trainables.cohorts.options import DataOptions
from trainables.cohorts.slices import read_slice, square
from trainables.cohorts.table import MISSING, Rows, listed, numbers, read_table

RECIPE = 1
TABLE = "oasis_cross-sectional.csv"
LABEL = "CDR"
# What is possible, both ends included; beyond it a decimal point was lost or a code slipped in.
NUMERIC = {
    "Age": (18.0, 110.0),
    "Educ": (1.0, 5.0),
    "SES": (1.0, 5.0),
    "MMSE": (0.0, 30.0),
    "eTIV": (800.0, 2500.0),
    "nWBV": (0.5, 0.95),
    "ASF": (0.6, 1.9),
}
NUMERIC_NAMES = ("age", "education", "ses", "mmse", "etiv", "nwbv", "asf")
_SEX = dict.fromkeys(MISSING, -1) | {"f": 0, "female": 0, "m": 1, "male": 1}
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")  # no dots, no slashes: names stay in the folder
_RESCAN = re.compile(r"_MR\d+$")

Stamp = tuple[tuple[str, int, int, int], ...]  # of files: path, size, and both times of change


def load(options: DataOptions) -> Cohort:
    """Read the cohort in `options.root`, rows sorted by ID; anew only when a file has changed.

    Raises:
        DataError: The folder, table or a slice is absent or damaged, a value is impossible, an ID
            would leave the folder or stands twice, or a row has no CDR.
    """
    if not options.root.is_dir():
        raise DataError(
            "data.root must be the folder of the OASIS-1 slices and table",
            given=f"{options.root} (from {Path.cwd()})",
            remedy="set data.root or the environment variable JOULEFRONT_OASIS1",
        )
    files = sorted([options.root / TABLE, *options.root.glob("images/*/*.jpg")])
    return _read(options, _stamp(file for file in files if file.is_file()))


@lru_cache(maxsize=2)
def _read(options: DataOptions, stamp: Stamp) -> Cohort:
    del stamp  # part of the key only
    by_id = _rows_by_id(
        read_table(_inside(options.root / TABLE, options.root), ["ID", "M/F", LABEL, *NUMERIC])
    )
    shown = _slices(options)
    subjects = tuple(sorted(by_id.keys() & shown.keys()))
    if not subjects:
        raise DataError(
            "at least one row of the table must have its slices",
            given=f"{len(by_id)} rows, {len(shown)} subjects with slices in {options.root}",
        )
    rows = [by_id[subject] for subject in subjects]
    columns = numbers(rows, subjects, NUMERIC)
    left_out = {
        "rows without a slice in every plane": len(by_id.keys() - shown.keys()),
        "subjects with slices but without a row": len(shown.keys() - by_id.keys()),
    }
    return Cohort(
        name="oasis1",
        subjects=subjects,
        groups=tuple(_RESCAN.sub("", subject) for subject in subjects),
        labels=_labels(rows, subjects),
        images=_images([shown[subject] for subject in subjects], options.image_size),
        image_present=np.ones(len(subjects), dtype=np.bool_),
        planes=options.planes,
        numeric=np.array([columns[name] for name in NUMERIC], dtype=np.float64).T.copy(),
        numeric_names=NUMERIC_NAMES,
        categorical=np.array([[_sex(row)] for row in rows], dtype=np.int64),
        categorical_names=("sex",),
        categorical_levels=(("F", "M"),),
        notes=tuple(f"{count} {who} were left out" for who, count in left_out.items() if count),
    ).with_inputs(options.inputs)


def _rows_by_id(table: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    by_id: dict[str, dict[str, str]] = {}
    for number, row in enumerate(table, start=2):
        name = row["ID"]
        if not _ID.fullmatch(name):
            raise DataError(
                "an ID must be letters, digits, _ and -, since it names files",
                given=f"{name[:80]!r} in row {number} of {TABLE}",
            )
        if name in by_id:
            raise DataError(
                "an ID must stand in one row only", given=f"{name}, again in row {number}"
            )
        by_id[name] = row
    return by_id


def _slices(options: DataOptions) -> dict[str, list[Path]]:
    """Subject to its file in each plane, for those that have all of them."""
    found: dict[str, list[Path]] = {}
    for plane in options.planes:
        folder = options.root / "images" / plane
        if not folder.is_dir():
            raise DataError(
                "every plane asked for must have its folder",
                given=f"no {folder}",
                remedy="restore it, or set data.planes to the planes that are there",
            )
        for path in folder.glob("*.jpg"):
            found.setdefault(path.stem, []).append(_inside(path, options.root))
    return {name: paths for name, paths in found.items() if len(paths) == len(options.planes)}


def _inside(path: Path, root: Path) -> Path:
    """A file of the cohort's folder itself: no link, here or above, leads out of it."""
    there = path.exists() or path.is_symlink()
    if there and not (path.is_file() and path.resolve().is_relative_to(root.resolve())):
        raise DataError(
            "a cohort's files must be ordinary files inside data.root",
            given=f"{path}, which leads to {path.resolve()}",
            remedy="copy the files into the folder, or let data.root itself be the link",
        )
    return path


def _images(paths: list[list[Path]], size: int) -> NDArray[np.float32]:
    """(N, P, size, size) decoded slices of (N, P) files, from the cache where it has them."""
    stamp = _stamp(path for row in paths for path in row)
    wanted = repr((RECIPE, PIL.__version__, size, len(paths), stamp))
    key = f"oasis1-{hashlib.sha256(wanted.encode()).hexdigest()[:24]}"
    arrays = read_cache(key)
    if arrays is None:
        decoded = [[square(read_slice(path), size) for path in row] for row in paths]
        arrays = {"images": np.array(decoded, dtype=np.float32)}
        publish_cache(key, arrays)
    return arrays["images"]


def _stamp(files: Iterable[Path]) -> Stamp:
    known = [(file.resolve(), file.stat()) for file in files]
    return tuple((str(file), s.st_size, s.st_mtime_ns, s.st_ctime_ns) for file, s in known)


def _labels(rows: Rows, subjects: tuple[str, ...]) -> NDArray[np.int64]:
    ratings = np.array(numbers(rows, subjects, {LABEL: (0.0, 3.0)})[LABEL])
    names = np.array(subjects)
    if unrated := names[np.isnan(ratings)].tolist():
        raise DataError(
            f"every row with slices must have a {LABEL}, which is the label",
            given=f"none for {listed(unrated)}",
            remedy="fill it in, or remove these rows",
        )
    if odd := names[~np.isin(ratings, (0, 0.5, 1, 2, 3))].tolist():
        raise DataError(f"{LABEL} must be 0, 0.5, 1, 2 or 3", given=f"other for {listed(odd)}")
    return (ratings > 0).astype(np.int64)


def _sex(row: dict[str, str]) -> int:
    if row["M/F"].lower() not in _SEX:
        raise DataError("M/F must be F or M", given=f"{row['M/F']!r} for {row['ID']}")
    return _SEX[row["M/F"].lower()]
