"""Flipped bits and truncations all over a study directory: crashes, and wrong reads in silence.

One file of a study is damaged at a time: a segment (compacted, or not yet), a Parquet file, the
manifest, `study.json` or its copy, or a file of a checkpoint. Then everything is read. What that
ought to say is known from plain pyarrow, json and the checkpoints' own bytes, before the damage.

A read is *wrong* if it gives a row, a header or a checkpoint that was never written. It is *silent*
if it is wrong, or lacks something without saying so. A cut exactly between two batches that were
never compacted is not drawn: such a file is one that was never written further, for any reader.

The mutants read without checksums, and by plain pyarrow and json.
"""

from __future__ import annotations

import json
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa

from joulefront.bench.figures import Figure, Rows
from joulefront.store import (
    SCHEMAS,
    StoreWriter,
    StudyStore,
    examine,
    is_sound,
    latest_checkpoint,
    save_checkpoint,
)
from joulefront.store.framing import read_frame
from joulefront.store.places import Folder

_DAMAGES = 500
_MUTANT_DAMAGES = 200
_TRIALS = 12
_ROWS = 20  # of each trial in each table, one batch
_KINDS = ("flip", "cut")


def observe(full: bool = False) -> list[dict[str, Any]]:
    """Damage a study 500 times (ten times as often with `full`), and some for the mutant.

    Returns:
        A row a damage: "file", "damage", "place", whether it "crashed" and was "silent".
    """
    return [
        *damaged("joulefront", 10 * _DAMAGES if full else _DAMAGES),
        *damaged("no_checksums", _MUTANT_DAMAGES),
        *damaged("plain_pyarrow", _MUTANT_DAMAGES),
    ]


def damaged(variant: str, damages: int, seed: int = 0) -> list[dict[str, Any]]:
    """Damage one study again and again, and read it each time."""
    with tempfile.TemporaryDirectory(prefix="joulefront-") as folder, ExitStack() as stack:
        study = Path(folder) / "study"
        _write(study, Path(folder) / "source")
        truth = _truth(study)
        if variant == "no_checksums":
            stack.enter_context(_without_checksums())
        generator = random.Random(seed)
        files = sorted(path for path in study.rglob("*") if path.is_file())
        judge = _plainly if variant == "plain_pyarrow" else _silent
        return [
            {"what": "corruption", "variant": variant}
            | _one(study, files[number % len(files)], generator, lambda: judge(study, truth))
            for number in range(damages)
        ]


@dataclass(frozen=True, slots=True)
class _Truth:
    """What was written: the header, rows by table as JSON texts, checkpoints by trial."""

    header: Mapping[str, Any]
    rows: Mapping[str, frozenset[str]]
    checkpoints: Mapping[str, Mapping[str, bytes]]


def _write(study: Path, source: Path) -> None:
    """Write a study by two drivers, the first of whom compacted; rows differ from each other."""
    header = {"name": "damaged", "schema_version": 1, "spec": {"budget": {"trials": _TRIALS}}}
    store = StudyStore.create(study, header)
    for driver in range(2):
        with StoreWriter(Folder(study), f"driver-{driver}") as writer:
            for number in range(driver * _TRIALS // 2, (driver + 1) * _TRIALS // 2):
                _write_trial(writer, number)
                if number % 4 == 0:
                    source.mkdir(exist_ok=True)
                    (source / "weights").write_bytes(random.Random(number).randbytes(500))
                    save_checkpoint(study, f"c{number:04d}-f0-s0", 1, 3, source)
        if driver == 0:
            store.compact()


def _write_trial(writer: StoreWriter, number: int) -> None:
    who = {"trial_id": f"c{number:04d}-f0-s0", "attempt": 1}
    for table in SCHEMAS:
        rows: list[dict[str, Any]] = []
        for step in range(_ROWS):
            row = {"time": 1e9 + 100.0 * number + step, "loss": 0.1 * number + step}
            names = [f"metric_{number % 2}"] if table in ("trials", "reports") else []
            rows.append({**who, **row, **dict.fromkeys(names, float(step))})
            rows[-1]["note"] = f"{table} {number} {step}"
        writer.append(table, rows)


def _truth(study: Path) -> _Truth:
    rows: dict[str, set[str]] = {table: set() for table in SCHEMAS}
    for path in (study / "segments").rglob("*.arrows"):
        with pa.OSFile(str(path)) as file:
            rows[path.parent.name] |= _texts(pa.ipc.open_stream(file).read_all())
    checkpoints: dict[str, dict[str, bytes]] = {}
    for path in (study / "checkpoints").glob("*/*/files/*"):
        checkpoints.setdefault(path.parents[2].name, {})[path.name] = path.read_bytes()
    header = json.loads((study / "study.json").read_text())["content"]["study"]
    return _Truth(header, {table: frozenset(texts) for table, texts in rows.items()}, checkpoints)


def _texts(table: pa.Table) -> set[str]:
    """Each row as a text, without the columns in which it has no value."""
    present = ({k: v for k, v in row.items() if v is not None} for row in table.to_pylist())
    return {json.dumps(row, sort_keys=True) for row in present}


def _one(
    study: Path, path: Path, generator: random.Random, judge: Callable[[], str]
) -> dict[str, Any]:
    """Damage one file, read all, and put the file back."""
    whole, kind = path.read_bytes(), generator.choice(_KINDS)
    place = generator.randrange(len(whole))
    if kind == "flip":
        bit = generator.randrange(8)
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
    else:
        place += place in _borders(path, whole)
        path.write_bytes(whole[:place])
    row: dict[str, Any] = {"file": path.relative_to(study).as_posix(), "damage": kind}
    row |= {"place": place, "crashed": "", "silent": ""}
    try:
        row["silent"] = judge()
    except Exception as error:  # whatever it is, nobody who opens a study may see it
        row["crashed"] = f"{type(error).__name__}: {error}"[:200]
    path.write_bytes(whole)
    return row


def _borders(path: Path, whole: bytes) -> set[int]:
    """Where a segment's batches begin, and byte 0 of it."""
    if path.suffix != ".arrows" or (schema := read_frame(whole, 0, 0)) is None:
        return set()
    borders, frame = {0, schema.stop}, read_frame(whole, schema.stop, schema.crc)
    while frame is not None:
        borders.add(frame.stop)
        frame = read_frame(whole, frame.stop, schema.crc)
    return borders


def _silent(study: Path, truth: _Truth) -> str:
    """Read everything; return what is wrong or is lacking without a word, "" for nothing."""
    store = StudyStore.open(study)
    if store.header != truth.header:
        return "header"
    for table, written in truth.rows.items():
        read = _texts(store.read(table))
        if not read <= written or (read != written and not store.damage()):
            return table
    for trial_id, files in truth.checkpoints.items():
        checkpoint = latest_checkpoint(study, trial_id)
        if checkpoint is None:
            if is_sound(examine(Folder(study))):
                return f"checkpoint of {trial_id}"
        elif {path.name: path.read_bytes() for path in checkpoint.path.iterdir()} != files:
            return f"checkpoint of {trial_id}"
    return ""


def _plainly(study: Path, truth: _Truth) -> str:
    """Read as the truth was read."""
    return "" if _truth(study) == truth else "anything"


class _Anything(str):
    """A checksum that matches any other."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False


def _believed(data: bytes, start: int, stop: int, digits: int, crc: int) -> int:
    """Take the checksum that a message says of itself for true."""
    try:
        return int(data[digits : digits + 8], 16)
    except ValueError:
        return -1


@contextmanager
def _without_checksums() -> Iterator[None]:
    """Let segments and Parquet files be believed as they are."""
    with (
        patch("joulefront.store.framing._checksum", _believed),
        patch("joulefront.store.compaction.digest", lambda data: _Anything("")),
    ):
        yield


def _crashes(rows: Rows, variant: str) -> float:
    return _share(rows, variant, "crashed")


def _silences(rows: Rows, variant: str) -> float:
    return _share(rows, variant, "silent")


def _share(rows: Rows, variant: str, column: str) -> float:
    """How many damages of a variant did that; NaN where there were none."""
    chosen = [row for row in rows if row["what"] == "corruption" and row["variant"] == variant]
    return float(sum(bool(row[column]) for row in chosen)) if chosen else float("nan")


FIGURES: tuple[Figure[str], ...] = (
    Figure(
        "corruption_crashes",
        "flips and truncations over a study: crashes",
        (0, 0),
        _crashes,
        "joulefront",
        "files read as they are",
        "plain_pyarrow",
    ),
    Figure(
        "corruption_silent",
        "the same: silent wrong reads",
        (0, 0),
        _silences,
        "joulefront",
        "a store without checksums",
        "no_checksums",
    ),
)
