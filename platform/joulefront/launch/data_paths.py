"""Whether every host of a cluster has the data that a study names.

What its `data` section means is the trainable's business; only what looks like a path is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from joulefront.errors import DataError

Ask = Callable[..., list[tuple[str, Any]]]


def check_data_paths(data: Mapping[str, Any], ask: Ask) -> None:
    """Refuse data that some host lacks, before the first trial fails there.

    Args:
        data: The study's data section. Its absolute paths that exist here are looked for.
        ask: Calls a function with arguments on every node; returns hosts and answers.

    Raises:
        DataError: If a path is missing on a host.
    """
    paths = [text for text in strings(data) if Path(text).is_absolute() and Path(text).exists()]
    if not paths:
        return
    lacking = [f"{path} on {host}" for host, absent in ask(missing, paths) for path in absent]
    if lacking:
        raise DataError(
            "every host of the cluster must have the study's data",
            given=f"no {', no '.join(sorted(set(lacking)))}",
            remedy="mount it there under the same path",
        )


def missing(paths: list[str]) -> list[str]:
    """Return those of the paths that this host does not have."""
    return [path for path in paths if not Path(path).exists()]


def strings(value: Any) -> Iterator[str]:
    """Yield every text in nested lists and mappings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from strings(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from strings(part)
