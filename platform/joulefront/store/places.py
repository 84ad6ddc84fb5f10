"""Where a study lies: a folder, on a disk of this machine or a shared one, or an object store.

Not here: what lies there (`study_store.py`), nor object stores themselves (`objects.py`).

Names are relative to the study, with slashes: "segments/trials/x.arrows". On a shared disk
(NFS) `publish` needs what POSIX says of `rename` and `link`: the first replaces a file as a whole,
the second fails where there is one. NFS has both. A client may see another's new file a few seconds
late (`acregmax`), which readers here do not mind.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from joulefront.errors import StoreReadError, StudyError
from joulefront.store import durable
from joulefront.store.durable import writing

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/")
_OBJECT_STORES = ("gs", "s3")


class Entry(NamedTuple):
    """A file: its name relative to the study, and its size in bytes."""

    name: str
    size: int


class Place(Protocol):
    """Where one study lies."""

    @property
    def uri(self) -> str:
        """Absolute path, or "s3://bucket/prefix", "gs://bucket/prefix"."""
        ...

    @property
    def local(self) -> Path | None:
        """The folder; None in an object store."""
        ...

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """At most `length` bytes of a file from `start` on: fewer where the file ends.

        Raises:
            FileNotFoundError: There is no such file.
            OSError: It cannot be read.
        """
        ...

    def entries(self, folder: str) -> list[Entry]:
        """All files below a folder ("" for all of the study), sorted; none where it is absent.

        Raises:
            OSError: It cannot be listed.
        """
        ...

    def publish(self, name: str, data: bytes, *, exclusive: bool = False) -> bool:
        """Store a file whole or not at all, and durably.

        `exclusive` leaves a file that is there as it is, and answers False: of several callers
        with different data exactly one succeeds.

        Raises:
            StoreWriteError: It is refused.
        """
        ...

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all that is in it; what is absent is fine.

        Raises:
            StoreWriteError: It is refused.
        """
        ...

    def exists(self, name: str) -> bool:
        """Whether there is such a file, or a folder with something in it.

        Raises:
            OSError: That cannot be told.
        """
        ...


class Folder:
    """A study in a folder, which need not be there yet."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def uri(self) -> str:
        """The absolute path."""
        return str(self._path.absolute())

    @property
    def local(self) -> Path:
        """The folder, as it was given."""
        return self._path

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """As `Place` says."""
        with (self._path / name).open("rb") as file:
            file.seek(start)
            return file.read(-1 if length is None else length)

    def entries(self, folder: str) -> list[Entry]:
        """As `Place` says; symbolic links, and what disappears meanwhile, are left out."""
        found = []
        for path in (self._path / folder).rglob("*"):
            try:
                if path.is_file() and not path.is_symlink():
                    found.append(
                        Entry(path.relative_to(self._path).as_posix(), path.stat().st_size)
                    )
            except FileNotFoundError:
                continue
        return sorted(found)

    def publish(self, name: str, data: bytes, *, exclusive: bool = False) -> bool:
        """As `Place` says."""
        return durable.publish(self._path / name, data, exclusive=exclusive)

    def remove(self, name: str) -> None:
        """As `Place` says."""
        path = self._path / name
        with writing(path, "be removable"):
            try:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)
            except FileNotFoundError:  # somebody else was faster
                return

    def exists(self, name: str) -> bool:
        """As `Place` says; an empty folder counts too."""
        return (self._path / name).exists()


def is_remote(uri: str | Path) -> bool:
    """Whether `uri` names an object store ("s3://bucket/study") and not a local path."""
    return _SCHEME.match(str(uri)) is not None


def place_of(uri: str | Path) -> Place:
    """The place that `uri` names: a path, "s3://bucket/prefix" or "gs://bucket/prefix".

    Raises:
        StudyError: Its scheme is another one, or it names no bucket and prefix.
    """
    if not is_remote(uri):
        return Folder(Path(uri))
    text = str(uri)
    scheme, _, rest = text.partition("://")
    bucket, _, prefix = rest.partition("/")
    if scheme not in _OBJECT_STORES or not bucket or not prefix.strip("/"):
        raise StudyError(
            "a study's URI must be s3://BUCKET/PREFIX or gs://BUCKET/PREFIX",
            given=text,
            remedy="give one of these, or a path",
        )
    from joulefront.store.objects import Objects

    return Objects(f"{scheme}://{bucket}/{prefix.strip('/')}")


@contextmanager
def reading(place: Place, name: str) -> Iterator[None]:
    """Turn what a disk or an object store refuses inside into a `StoreReadError`."""
    try:
        yield
    except OSError as error:
        raise StoreReadError(
            f"{place.uri}/{name} must be readable", given=error.strerror or str(error)
        ) from error
