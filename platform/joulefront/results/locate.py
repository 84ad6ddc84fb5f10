"""Find the study directory that a path means, or say what is there instead."""

from __future__ import annotations

from pathlib import Path

from joulefront.errors import StudyError
from joulefront.spec.nearest import nearest

HEADER_FILE = "study.json"
_SHOWN = 8


def locate_study(path: Path) -> Path:
    """Return `path` if it is a study directory.

    Raises:
        StudyError: It is not. The message says what is there, and names studies below or beside it.
    """
    if (path / HEADER_FILE).is_file():
        return path
    raise StudyError(
        f"{path} must be a study directory, with a {HEADER_FILE}",
        given=_what_is_there(path),
        remedy=_where_studies_are(path),
    )


def studies_in(folder: Path) -> list[str]:
    """Names of the study directories directly inside `folder`, sorted."""
    try:
        return sorted(p.name for p in folder.iterdir() if (p / HEADER_FILE).is_file())
    except OSError:
        return []


def _what_is_there(path: Path) -> str:
    if path.is_dir():
        names = sorted(entry.name for entry in path.iterdir())
        return f"a folder with {_listed(names)}" if names else "an empty folder"
    if path.exists():
        return "a file"
    return "nothing of that name"


def _where_studies_are(path: Path) -> str:
    below = studies_in(path)
    if below:
        return f"studies in it: {_listed(below)}"
    parent = path.parent
    beside = studies_in(parent)
    best = nearest(path.name, beside)
    if best:
        return f"did you mean {parent / best}?"
    if beside:
        return f"studies in {parent}: {_listed(beside)}"
    in_results = studies_in(Path("results"))
    if in_results:
        return f"studies in results: {_listed(in_results)}"
    return "`study launch FILE` makes one in results/<name>"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
