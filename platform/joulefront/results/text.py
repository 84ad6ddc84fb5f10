"""Columns and wrapped lines for terminals, logs and mails: plain text, no colour codes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence


def aligned(names: Sequence[str], columns: Sequence[Sequence[str]]) -> list[str]:
    """A header and its rows, the first column to the left, the others to the right."""
    widths = [max(map(len, [name, *cells])) for name, cells in zip(names, columns, strict=True)]
    lines = []
    for first, *others in (names, *zip(*columns, strict=True)):
        cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return lines


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Break a text into lines of at most `width`, with later lines indented by two more."""
    if indent + len(text) <= width:
        return [" " * indent + text] if text else []
    return textwrap.wrap(
        text,
        width,
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_on_hyphens=False,
    )
