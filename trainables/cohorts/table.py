"""A clinical table as numbers: a delimited text file, its columns found and range-checked.

No repair: a value that cannot be is an error that names its row, because a guess would be learnt
from in silence.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from joulefront.trial import DataError

MISSING = frozenset({"", ".", "?", "na", "n/a", "nan", "null", "none"})
MISSING_CODES = frozenset({-1.0, -4.0, 999999.0})
Rows = Sequence[Mapping[str, str]]


def read_table(path: Path, required: Collection[str]) -> list[dict[str, str]]:
    """Read a UTF-8 table whose first line names its columns, in any case.

    Commas, tabs or semicolons (then with decimal commas, as some copies have) separate.

    Returns:
        One mapping a row from the required names, and no others, to stripped cells.

    Raises:
        DataError: Absent or unreadable file, no rows, a missing or doubled column, a ragged row.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
        separator = max(",;\t", key=lines[0].count)
        rows = [row for row in csv.reader(lines, delimiter=separator, strict=True) if any(row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            "the table must be a readable UTF-8 file of delimited text", given=f"{path}: {error}"
        ) from error
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    places = {name: _place(path, header, name) for name in required} if rows else {}
    if len(rows) < 2:
        raise DataError(
            "the table must have a line of column names and at least one row",
            given=f"{path} has {len(rows)} lines with text",
            remedy=f"the columns needed are {', '.join(required)}",
        )
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise DataError(
                f"every row must have the {len(header)} cells of the first line",
                given=f"{path}, row {number}: {len(row)} cells",
            )
    decimal = "," if separator == ";" else "."
    return [
        {name: row[place].strip().replace(decimal, ".") for name, place in places.items()}
        for row in rows[1:]
    ]


def numbers(
    rows: Rows, names: Sequence[str], ranges: Mapping[str, tuple[float, float]]
) -> dict[str, list[float]]:
    """Turn columns into numbers and check what can be.

    Args:
        rows: (N,) what `read_table` gave.
        names: (N,) what to call each row in an error.
        ranges: Column to the lowest and highest value that is possible, both included.

    Returns:
        Column to its N values, NaN where missing.

    Raises:
        DataError: A cell is no number, or out of range; up to five rows are named.
    """
    columns = {column: [number(row[column]) for row in rows] for column in ranges}
    faults = [
        f"{name} {column} {row[column]!r}{_hint(value, low, high)}"
        for place, (name, row) in enumerate(zip(names, rows, strict=True))
        for column, (low, high) in ranges.items()
        if not (math.isnan(value := columns[column][place]) or low <= value <= high)
    ]
    if faults:
        must = ", ".join(f"{column} {low:g} to {high:g}" for column, (low, high) in ranges.items())
        raise DataError(
            f"values must be missing or numbers in range ({must})",
            given=listed(faults, separator="; "),
            remedy="correct the table",
        )
    return columns


def number(cell: str) -> float:
    """A cell as a number: NaN where it is missing, infinity where it is no finite number."""
    if cell.lower() in MISSING:
        return math.nan
    try:
        value = float(cell)
    except ValueError:
        return math.inf
    return math.nan if value in MISSING_CODES else value


def listed(items: Sequence[str], separator: str = ", ") -> str:
    """Up to five items for an error, and how many more there are."""
    return separator.join(items[:5]) + (f" and {len(items) - 5} more" if len(items) > 5 else "")


def _place(path: Path, header: list[str], name: str) -> int:
    found = header.count(name.lower())
    if found == 1:
        return header.index(name.lower())
    close = difflib.get_close_matches(name.lower(), header, n=1, cutoff=0.5)
    raise DataError(
        f"the table must have one column {name}",
        given=f"{path} has {found or 'none'}; its columns are {', '.join(header)[:300]}",
        remedy=f"did you mean {close[0]}?" if close and not found else "",
    )


def _hint(value: float, low: float, high: float) -> str:
    for power in (10, 100, 1000):
        if low <= value / power <= high:
            return f" (was it {value / power:g}, with its decimal point lost?)"
    return ""
