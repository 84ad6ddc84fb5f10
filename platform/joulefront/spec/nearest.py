"""The nearest valid name to one that was mistyped; it is only ever shown, never taken."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LISTED = 30  # as many as any section of a study file has


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the valid name most like `name`, or an empty string where none is like it.

    Case is ignored, and a prefix counts as like ("max" finds "maximise").
    """
    by_folded = {candidate.casefold(): candidate for candidate in valid}
    folded = name.casefold()
    close = get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    if not close and folded:
        close = [candidate for candidate in by_folded if candidate.startswith(folded)]
    return by_folded[close[0]] if close else ""


def remedy(name: str, valid: Iterable[str]) -> str:
    """Return what an error says after an unknown name: the nearest one, or all of them, if few."""
    names = sorted(valid)
    best = nearest(name, names)
    if best:
        return f"nearest valid name: {best}"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"valid names: {', '.join(names[:_LISTED])}{more}" if names else ""
