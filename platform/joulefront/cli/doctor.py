"""`study doctor STUDY`: what of a study is whole, and what damage has cost.

Exit codes: 0 nothing is damaged, 1 something is.
"""

from __future__ import annotations

import typer

from joulefront.cli.options import StudyPlace
from joulefront.cli.piping import write_text
from joulefront.errors import StoreReadError, StudyError


def doctor(study: StudyPlace) -> None:
    """Check every byte of a study against its checksums."""
    from joulefront.store import StudyStore, examine, is_sound, place_of

    if not StudyStore.exists(study):
        StudyStore.open(study)  # says what is there instead
        raise StudyError(f"{study} must be a study directory")
    try:
        found = examine(place_of(study))
    except OSError as error:
        raise StoreReadError(
            f"{error.filename or study} must be readable", given=error.strerror or str(error)
        ) from error
    width = max(len(finding.part) for finding in found)
    marks = {True: "  ", False: "! "}
    lines = [f"{marks[f.sound]}{f.part.ljust(width)}  {f.text}" for f in found]
    lines.append("sound" if is_sound(found) else "damaged: lines with ! say what")
    write_text("\n".join(lines))
    if not is_sound(found):
        raise typer.Exit(1)
