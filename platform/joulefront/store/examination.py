"""Every byte of a study looked at once: what is whole, what is damaged, and what that has cost.

Not here: reading (`study_store.py`), which looks at no more than it needs, nor any repair. Nothing
that is found is executed, and nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from joulefront.errors import StoreReadError
from joulefront.store.compaction import Generation, manifest_of
from joulefront.store.durable import digest, unsealed
from joulefront.store.reading import POSITION, WRITER, Readable, merge, read_segment
from joulefront.store.schema import SCHEMAS

TORN = "no whole batch"
"""In the sentence about the bytes that a killed writer leaves at the end of a segment."""


class Browsable(Readable, Protocol):
    """A `joulefront.store.places.Place`, as far as it is read."""

    @property
    def local(self) -> Path | None:
        """The folder; None in an object store."""
        ...

    def entries(self, folder: str) -> Sequence[tuple[str, int]]:
        """Names and sizes in bytes of all files below a folder, sorted."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One line of a report.

    Attributes:
        part: "header", "parquet", "segments", "checkpoints", "leases" or "leftovers".
        text: What was found.
        sound: Whether that is as it should be; a torn tail is.
    """

    part: str
    text: str
    sound: bool = True


def examine(place: Browsable) -> list[Finding]:
    """Look at everything that belongs to a study, also while it runs.

    Args:
        place: Where it lies.

    Raises:
        OSError: A file cannot be read, for want of permission or a disk.
    """
    found = [*_header(place)]
    manifest, told = _manifest(place)
    found += told
    for table in SCHEMAS:
        found += _table(place, table, manifest.get(table))
    return [*found, *_checkpoints(place), *_leases(place), *_leftovers(place)]


def _header(place: Browsable) -> Iterator[Finding]:
    """The sealed description and its copy; one of them is enough to open the study."""
    for name in ("study.json", "study.copy.json"):
        try:
            content = unsealed(place.read(name), name)
            study = content["study"]
            versions = (
                f"format {content['format']}, schema {study.get('schema_version', 'unknown')}"
            )
            made = f"made by joulefront {study.get('joulefront_version', 'unknown')}"
            yield Finding(part="header", text=f"{name}: whole; {versions}, {made}")
        except FileNotFoundError:  # studies of earlier versions have no copy
            yield Finding(part="header", text=f"{name}: absent", sound=name != "study.json")
        except (StoreReadError, KeyError, AttributeError):
            yield Finding(part="header", text=f"{name}: damaged", sound=False)


def _manifest(place: Browsable) -> tuple[Mapping[str, Generation], list[Finding]]:
    try:
        manifest = manifest_of(place.read("manifest.json"), "manifest.json")
    except FileNotFoundError:
        return {}, [Finding(part="parquet", text="no manifest: not compacted yet")]
    except StoreReadError:
        text = "manifest.json: damaged; the segments are read instead"
        return {}, [Finding(part="parquet", text=text, sound=False)]
    return manifest, []


def _table(place: Browsable, table: str, entry: Generation | None) -> Iterator[Finding]:
    """One table: its Parquet file, all of its segments, and the rows that are in neither."""
    covered: Mapping[str, int] = {}
    if entry is not None:
        name = f"parquet/{entry.file}"
        try:
            sound = digest(place.read(name)) == entry.sha256
            covered = entry.covered_bytes if sound else {}
            text = "whole" if sound else "damaged; the segments are read instead"
            yield Finding(part="parquet", text=f"{name}: {text}", sound=sound)
        except FileNotFoundError:
            text = f"{name}: absent; the segments are read instead"
            yield Finding(part="parquet", text=text, sound=False)
    sizes = dict(place.entries(f"segments/{table}"))
    sizes = {name: size for name, size in sizes.items() if name.endswith(".arrows")}
    parts, whole_bytes = [], 0
    for name, size in sizes.items():
        read = read_segment(place, name)
        parts += [] if read.rows is None else [read.rows.select(["time", WRITER, POSITION])]
        whole_bytes += read.sound_bytes
        safe = covered.get(name.rpartition("/")[2], 0)
        for sentence in read.damage:
            kept = "; compacted before, so nothing is lost" if safe >= size else ""
            yield Finding(part="segments", text=sentence + kept, sound=TORN in sentence)
    for name, before in (entry.covered_bytes if entry else {}).items():
        size = sizes.get(f"segments/{table}/{name}", 0)
        if size < before:
            kept = "compacted before, so nothing is lost" if covered else "those rows are lost"
            text = f"segments/{table}/{name}: {size} of {before} bytes are left; {kept}"
            yield Finding(part="segments", text=text, sound=False)
    rows = merge(table, parts)
    text = f"{table}: {rows.num_rows} rows in {len(sizes)} segments, {whole_bytes} bytes whole"
    missing = sum(_missing(rows[WRITER].to_pylist(), rows[POSITION].to_pylist()).values())
    if missing:
        text += f"; {missing} rows are missing: damaged, or refused by a full disk"
    yield Finding(part="segments", text=text)


def _missing(writers: Sequence[str], positions: Sequence[int]) -> Mapping[str, int]:
    """How many rows each writer has numbered before its last one that are in no segment."""
    known: dict[str, set[int]] = defaultdict(set)
    for writer, position in zip(writers, positions, strict=True):
        known[writer].add(position)
    return {writer: max(found) + 1 - len(found) for writer, found in known.items()}


def _checkpoints(place: Browsable) -> Iterator[Finding]:
    """All files of all checkpoints against their checksums."""
    folders: dict[str, set[str]] = defaultdict(set)
    for name, _ in place.entries("checkpoints"):
        parts = name.split("/")
        if len(parts) > 3 and not parts[2].startswith("."):
            folders["/".join(parts[:3])].add("/".join(parts[3:]))
    if place.local is None:  # objects come one by one, the checksums last
        begun = [folder for folder in folders if "checksums.json" not in folders[folder]]
        for folder in begun:
            yield Finding(part="checkpoints", text=f"{folder}: not uploaded whole, never used")
            del folders[folder]
    damaged = [folder for folder in folders if not _is_sound(place, folder, folders[folder])]
    for folder in damaged:
        yield Finding(part="checkpoints", text=f"{folder}: damaged, never used", sound=False)
    trials = len({folder.split("/")[1] for folder in folders})
    text = f"{len(folders) - len(damaged)} whole, of {trials} trials"
    yield Finding(part="checkpoints", text=text)


def _is_sound(place: Browsable, folder: str, names: set[str]) -> bool:
    try:
        sums = unsealed(place.read(f"{folder}/checksums.json"), folder)["sha256"]
        inside = {name.removeprefix("files/") for name in names - {"checksums.json"}}
        return inside == set(sums) and all(
            digest(place.read(f"{folder}/files/{name}")) == sums[name] for name in inside
        )
    except (FileNotFoundError, StoreReadError, KeyError, TypeError):
        return False


def _leases(place: Browsable) -> Iterator[Finding]:
    """Who holds the study, by the youngest lease."""
    held = "no driver has held it"
    for name, _ in place.entries("leases"):
        try:
            lease = unsealed(place.read(name), name)
            released = ", released" if lease.get("released") else ""
            held = (
                f"{name}: last held by process {lease.get('pid')} on {lease.get('host')}{released}"
            )
        except StoreReadError:
            yield Finding(part="leases", text=f"{name}: damaged", sound=False)
    yield Finding(part="leases", text=held)


def _leftovers(place: Browsable) -> Iterator[Finding]:
    """What killed processes have left under temporary names: read by nobody."""
    hidden = [
        (name, size)
        for name, size in place.entries("")
        if any(part.startswith(".") for part in name.split("/"))
    ]
    if hidden:
        size = sum(size for _, size in hidden)
        yield Finding(part="leftovers", text=f"{len(hidden)} temporary files, {size} bytes")


def is_sound(found: Sequence[Finding]) -> bool:
    """Whether nothing is damaged. A torn tail alone, as a killed writer leaves it, is no damage."""
    return all(finding.sound for finding in found)
