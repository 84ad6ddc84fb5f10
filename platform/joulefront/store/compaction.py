"""Parquet generations: publishing one, and the manifest that says which one to read.

Not here: when to compact (the caller decides), nor the rows themselves (`reading.py`).

A generation covers, of each segment, the sound bytes from the beginning on, and never reaches past
a damaged batch: damage goes on being reported. Files of a new generation are whole before the
manifest names them, and the older ones go after that. Several compactors at once are harmless: no
generation number is taken twice, and whichever manifest stands last is true.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from joulefront.errors import StoreReadError
from joulefront.store.durable import digest, seal, unsealed, writing
from joulefront.store.places import Place

_FILE = re.compile(r"[a-z]+-\d+\.parquet")


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """One table's Parquet file, its checksum, and how much of which segment it holds."""

    file: str
    sha256: str
    covered_bytes: Mapping[str, int]


def read_manifest(place: Place) -> dict[str, Generation]:
    """What to read, by table; nothing where there is no manifest.

    Raises:
        StoreReadError: It is damaged, or of another version.
    """
    try:
        return manifest_of(place.read("manifest.json"), f"{place.uri}/manifest.json")
    except FileNotFoundError:
        return {}


def manifest_of(data: bytes, name: str) -> dict[str, Generation]:
    """What the bytes of a manifest say, by table; an error calls it `name`.

    Raises:
        StoreReadError: It is damaged, or of another version.
    """
    try:
        tables = unsealed(data, name)["tables"].items()
        return {table: _entry(entry) for table, entry in tables}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreReadError(
            f"{name} must be a manifest of this version of joulefront", given=repr(error)
        ) from error


def read_generation(
    place: Place, entry: Generation, columns: Sequence[str] | None = None
) -> pa.Table:
    """The rows of a Parquet file, in order; of `columns`, those that it has.

    Raises:
        FileNotFoundError: There is no such file, or no longer.
        StoreReadError: It is not the file that was published.
    """
    data = place.read(f"parquet/{entry.file}")
    if digest(data) != entry.sha256:
        raise StoreReadError(f"parquet/{entry.file} must match its checksum in manifest.json")
    try:
        return pq.ParquetFile(pa.BufferReader(data)).read(columns=columns)
    except (pa.ArrowException, OSError) as error:
        raise StoreReadError(f"parquet/{entry.file} must be readable", given=str(error)) from error


def publish_generation(
    place: Place, tables: Iterable[tuple[str, pa.Table, Mapping[str, int]]]
) -> None:
    """Write every table as a Parquet file, then the manifest that names them; drop older files.

    `tables` are, of one table after the other, its name, all of its rows in order, and how many
    bytes of which segment these are.

    Raises:
        StoreWriteError: The disk is full or read-only; what was readable before still is.
    """
    with writing(f"{place.uri}/parquet"):
        older = [entry.name for entry in place.entries("parquet") if _is_whole(entry.name)]
    number = max(map(_number, older), default=0) + 1
    entries = {}
    for table, rows, covered_bytes in tables:
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd")
        data = sink.getvalue().to_pybytes()
        while not place.publish(
            f"parquet/{(file := f'{table}-{number:06d}.parquet')}", data, exclusive=True
        ):
            number += 1
        entry = Generation(file=file, sha256=digest(data), covered_bytes=covered_bytes)
        entries[table] = asdict(entry)
    place.publish("manifest.json", seal({"generation": number, "tables": entries}))
    named = {f"parquet/{entry['file']}" for entry in entries.values()}
    for name in older:
        if name not in named:
            place.remove(name)


def _entry(told: Mapping[str, Any]) -> Generation:
    entry = Generation(**told)
    if not _FILE.fullmatch(entry.file):
        raise ValueError(f"{entry.file!r} is no file of a generation")
    covered = {str(name): int(size) for name, size in entry.covered_bytes.items()}
    return replace(entry, covered_bytes=covered)


def _is_whole(name: str) -> bool:
    """Whether it is a published file, and no temporary one."""
    return _FILE.fullmatch(name.removeprefix("parquet/")) is not None


def _number(name: str) -> int:
    digits = name.rpartition("-")[2].removesuffix(".parquet")
    return int(digits) if digits.isdecimal() else 0
