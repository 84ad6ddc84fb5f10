"""Parquet generations: publishing one, and the manifest that says which one to read.

Not here: when to compact (the caller decides), nor the rows themselves (`reading.py`).

A generation covers, of each segment, the sound batches from the beginning on, and never reaches
past a damaged one: damage goes on being reported. Files of a new generation are whole before the
manifest names them, and the older ones go after that, so a reader finds either. Several compactors
at once are harmless: no generation number is taken twice, and whichever manifest stands last is
true.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from joulefront.errors import StoreReadError
from joulefront.store.checksums import digest, seal, unseal
from joulefront.store.durable import publish, writing


@dataclass(frozen=True, kw_only=True, slots=True)
class Coverage:
    """How many batches of a segment, from its beginning, are in Parquet, and their bytes."""

    batches: int
    bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TableGeneration:
    """One table of one generation.

    Attributes:
        file: Name in the folder parquet/.
        sha256: Checksum of the whole file.
        covered: File name of a segment -> how much of it the file holds.
    """

    file: str
    sha256: str
    covered: Mapping[str, Coverage] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """What to read: a generation number (0 before the first) and table name -> its file."""

    generation: int = 0
    tables: Mapping[str, TableGeneration] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Manifest:
        """The manifest at `path`, or the empty one where there is none.

        Raises:
            StoreReadError: It is damaged.
        """
        try:
            content = unseal(path)
        except FileNotFoundError:
            return cls()
        try:
            return cls._from_dict(content)
        except (KeyError, TypeError, AttributeError) as error:
            raise StoreReadError(
                f"{path} must be a manifest of this version of joulefront", given=repr(error)
            ) from error

    @classmethod
    def _from_dict(cls, content: Mapping[str, Any]) -> Manifest:
        tables = {
            name: TableGeneration(
                file=table["file"],
                sha256=table["sha256"],
                covered={key: Coverage(**value) for key, value in table["covered"].items()},
            )
            for name, table in content["tables"].items()
        }
        return cls(generation=content["generation"], tables=tables)


def publish_generation(
    store: Path, tables: Mapping[str, tuple[pa.Table, Mapping[str, Coverage]]]
) -> Manifest:
    """Write every table as a Parquet file, then the manifest that names them; drop older files.

    Args:
        store: The study directory.
        tables: Table name -> all its rows in order, and what of which segment they are.

    Raises:
        StoreWriteError: The disk is full or read-only; what was readable before still is.
    """
    folder = store / "parquet"
    generation = _newest(folder) + 1
    published = {}
    for name, (rows, covered) in tables.items():
        sink = pa.BufferOutputStream()
        pq.write_table(rows, sink, compression="zstd")
        data = sink.getvalue().to_pybytes()
        generation = _publish_numbered(folder, name, generation, data)
        published[name] = TableGeneration(
            file=_file_name(name, generation), sha256=digest(data), covered=covered
        )
    manifest = Manifest(generation=generation, tables=published)
    publish(store / "manifest.json", seal(asdict(manifest)))
    _drop_older(folder, {table.file for table in published.values()}, generation)
    return manifest


def _publish_numbered(folder: Path, table: str, generation: int, data: bytes) -> int:
    """Publish under the first number from `generation` on that nobody has taken; return it."""
    while True:
        try:
            publish(folder / _file_name(table, generation), data, exclusive=True)
        except FileExistsError:
            generation += 1
        else:
            return generation


def _drop_older(folder: Path, named: set[str], generation: int) -> None:
    for path in folder.glob("*.parquet"):
        if path.name not in named and _number(path) < generation:
            with writing(path), contextlib.suppress(FileNotFoundError):
                path.unlink()


def _newest(folder: Path) -> int:
    return max((_number(path) for path in folder.glob("*.parquet")), default=0)


def _number(path: Path) -> int:
    digits = path.stem.rpartition("-")[2]
    return int(digits) if digits.isdecimal() else 0


def _file_name(table: str, generation: int) -> str:
    return f"{table}-{generation:06d}.parquet"
