"""A study in an object store: Amazon S3 and what speaks its language, or Google Cloud Storage.

Not here: folders (`places.py`). One client, obstore's, does all of it: pyarrow's file systems know
no conditional puts, and a second client would be configured, and fail, in its own way. What is
published is plain Parquet and Arrow, which `pyarrow.dataset` opens where it lies.

Credentials, region and endpoint come from the usual environment (`AWS_ACCESS_KEY_ID`, ...,
`AWS_ENDPOINT_URL`, `GOOGLE_APPLICATION_CREDENTIALS`, a machine's role), are those of the process
that reads or writes, and are never stored. An object is there whole or not at all, and once a put
is acknowledged every reader sees it (both stores promise that since 2020).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    PreconditionError,
    UnauthenticatedError,
)
from obstore.store import from_url

from joulefront.errors import StoreWriteError, StudyError
from joulefront.store.places import Entry

_PATIENCE = timedelta(seconds=60)  # for all tries of one request
_ROLES = "169.254.169.254"  # where a cloud tells its machines who they are
_LOOPBACK = ("http://127.0.0.1", "http://localhost", "http://[::1]")


class Objects:
    """A study below a prefix of a bucket.

    Args:
        uri: "s3://bucket/prefix" or "gs://bucket/prefix".

    Raises:
        StudyError: The environment's settings are none that such a store can have.
    """

    local = None

    def __init__(self, uri: str) -> None:
        self.uri = uri
        plain = _speaks_plainly(uri)
        try:
            self._store: Any = from_url(
                uri,
                client_options={"allow_http": True} if plain else None,
                retry_config={"max_retries": 8, "retry_timeout": _PATIENCE},
            )
        except (BaseError, ValueError) as error:
            raise StudyError(
                f"{uri} must be a place in an object store", given=_first_line(error)
            ) from error

    def __reduce__(self) -> tuple[type[Objects], tuple[str]]:
        """A place in another process uses that process's credentials."""
        return Objects, (self.uri,)

    def read(self, name: str, start: int = 0, length: int | None = None) -> bytes:
        """As `Place` says."""
        with _reading(f"{self.uri}/{name}"):
            if start == 0 and length is None:
                return bytes(obstore.get(self._store, name).bytes())
            size = obstore.head(self._store, name)["size"]
            stop = size if length is None else min(size, start + length)
            if start >= stop:
                return b""
            return bytes(obstore.get_range(self._store, name, start=start, end=stop))

    def entries(self, folder: str) -> list[Entry]:
        """As `Place` says."""
        with _reading(f"{self.uri}/{folder}"):
            chunks = obstore.list(self._store, folder or None)
            return sorted(Entry(str(m["path"]), int(m["size"])) for chunk in chunks for m in chunk)

    def publish(self, name: str, data: bytes, *, exclusive: bool = False) -> bool:
        """As `Place` says.

        Where an acknowledgement was lost and the put was tried again, the object that is there
        already is this one: that is a success too.
        """
        try:
            with self._writing(name):
                obstore.put(
                    self._store,
                    name,
                    data,
                    mode="create" if exclusive else "overwrite",
                    use_multipart=False if exclusive else None,
                )
        except AlreadyExistsError:
            with self._writing(name):
                return self.read(name) == data
        return True

    def replace(self, name: str, data: bytes, known: Mapping[str, str] | None) -> dict[str, str]:
        """Put `data` where the version `known` is, None for no object; return its own version.

        A put that arrives late, after its sender has given it up and gone on, changes nothing.

        Raises:
            StoreWriteError: It is refused, or another version is there.
        """
        mode: Any = "create" if known is None else dict(known)
        try:
            with self._writing(name):
                version = obstore.put(self._store, name, data, mode=mode, use_multipart=False)
        except (AlreadyExistsError, PreconditionError) as error:
            raise StoreWriteError(
                f"{self.uri}/{name} must be as this process left it", given="another version"
            ) from error
        return {key: str(value) for key, value in version.items() if value is not None}

    def upload(self, name: str, source: Path) -> None:
        """Put the file `source`, in parts where it is large.

        Raises:
            StoreWriteError: It is refused.
        """
        with self._writing(name):
            obstore.put(self._store, name, source)

    def remove(self, name: str) -> None:
        """As `Place` says."""
        with self._writing(name):
            names = [entry.name for entry in self.entries(name)]
            obstore.delete(self._store, names or [name])

    def exists(self, name: str) -> bool:
        """As `Place` says."""
        with _reading(f"{self.uri}/{name}"):
            try:
                obstore.head(self._store, name)
            except (NotFoundError, FileNotFoundError):
                return bool(self.entries(name))
            return True

    @contextmanager
    def _writing(self, name: str) -> Iterator[None]:
        """Turn whatever a store refuses into a `StoreWriteError`, but for conditions."""
        try:
            yield
        except (AlreadyExistsError, PreconditionError):
            raise
        except (NotFoundError, FileNotFoundError) as error:
            if not name:
                raise
            raise StoreWriteError(
                f"{self.uri}/{name} must be writable",
                given="no such bucket or object",
                remedy="make the bucket first",
            ) from error
        except (BaseError, OSError) as error:
            raise StoreWriteError(
                f"{self.uri}/{name} must be writable",
                given=_first_line(error),
                remedy="see to the credentials and the network, then run again with --resume: "
                "what was stored before is intact",
            ) from error


@contextmanager
def _reading(uri: str) -> Iterator[None]:
    """Turn obstore's errors into those of the operating system."""
    try:
        yield
    except (NotFoundError, FileNotFoundError) as error:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), uri) from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        raise PermissionError(errno.EACCES, _first_line(error), uri) from error
    except BaseError as error:
        raise OSError(errno.EIO, _first_line(error), uri) from error


def _first_line(error: Exception) -> str:
    """Return what an object store says, or that no credentials were found.

    Without any, the clouds' own clients ask the machine that they would run on for its role.
    """
    if _ROLES in str(error) or "metadata.google.internal" in str(error):
        return (
            "no credentials: neither AWS_ACCESS_KEY_ID, GOOGLE_APPLICATION_CREDENTIALS nor a role"
        )
    return str(error).strip().partition("\n")[0]


def _speaks_plainly(uri: str) -> bool:
    """Return whether requests go without encryption: on loopback, or where the user allows it.

    Raises:
        StudyError: They would, and the user does not allow it.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if not uri.startswith("s3:") or not endpoint.startswith("http://"):
        return False
    allowed = os.environ.get("AWS_ALLOW_HTTP", "").lower() in ("1", "true")
    if not allowed and not endpoint.startswith(_LOOPBACK):
        raise StudyError(
            "AWS_ENDPOINT_URL must begin with https:// beyond this machine",
            given=endpoint,
            remedy="in a network of your own set AWS_ALLOW_HTTP=true, on every host",
        )
    return True
