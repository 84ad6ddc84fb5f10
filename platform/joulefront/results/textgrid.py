"""Columns of text with a bounded width."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

GAP = 2


def aligned(names: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """A header and its rows, the first column to the left, the others to the right.

    Args:
        names: One header a column.
        columns: One list of cells a column, all of one length.
    """
    widths = [max(map(len, [name, *cells])) for name, cells in zip(names, columns, strict=True)]
    rows = [names, *zip(*columns, strict=True)]
    lines = []
    for row in rows:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in others)]
        lines.append((" " * GAP).join(cells).rstrip())
    return lines


def fits(names: Sequence[str], columns: Sequence[Sequence[str]], width: int) -> bool:
    """Whether `aligned` makes no line longer than `width`."""
    return max(map(len, aligned(names, columns))) <= width


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Break a text into lines of at most `width`, with later lines indented by two more."""
    if indent + len(text) <= width:
        return [" " * indent + text] if text else []
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        drop_whitespace=True,
        break_on_hyphens=False,
    )
