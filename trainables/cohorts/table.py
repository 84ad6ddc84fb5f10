"""A clinical table as numbers: a delimited text file, its columns found and range-checked.

No knowledge of any one cohort, and no repair: a value that cannot be is an error that names its
row, because a guess would be learnt from in silence.
"""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Collection, Mapping
from pathlib import Path

from joulefront.trial import DataError

MISSING = frozenset(
    {"", ".", "?", "na", "n/a", "nan", "null", "none", "-1", "-4", "999999"}
    | {"-1.0", "-4.0", "999999.0"}
)


def read_table(path: Path, required: Collection[str]) -> list[dict[str, str]]:
    """Read a table whose first line names its columns.

    Commas, semicolons (then with decimal commas) or tabs separate; any line ends; names match
    without regard to case and surrounding blanks.

    Args:
        path: The file, UTF-8.
        required: Columns that must be there; others are left out.

    Returns:
        One mapping a row from the required names to stripped cells.

    Raises:
        DataError: Absent or unreadable file, no rows, a missing or doubled column, a ragged row.
    """
    lines = _lines(path)
    header_line = lines[0] if lines else ""
    separator = max(",;\t", key=header_line.count)
    try:
        rows = [row for row in csv.reader(lines, delimiter=separator, strict=True) if any(row)]
    except csv.Error as error:
        raise DataError("the table must be delimited text", given=f"{path}: {error}") from error
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
    decimal_comma = separator == ";"
    return [
        {name: _cell(row[place], decimal_comma) for name, place in places.items()}
        for row in rows[1:]
    ]


def number(cell: str) -> float:
    """A cell as a number: NaN for the codes in `MISSING`, and for nothing else.

    Raises:
        ValueError: The cell is neither a missing code nor a finite number.
    """
    if cell.lower() in MISSING:
        return math.nan
    value = float(cell)
    if not math.isfinite(value):
        raise ValueError(f"not finite: {cell}")
    return value


def numbers(
    rows: list[dict[str, str]], names: list[str], ranges: Mapping[str, tuple[float, float]]
) -> dict[str, list[float]]:
    """Turn columns into numbers and check what can be.

    Args:
        rows: What `read_table` gave.
        names: (N,) what to call each row in an error.
        ranges: Column to the lowest and highest value that is possible, both included.

    Returns:
        Column to its N values, NaN where missing.

    Raises:
        DataError: A cell is no number, or out of range; up to five rows are named.
    """
    columns: dict[str, list[float]] = {column: [] for column in ranges}
    faults: list[str] = []
    for name, row in zip(names, rows, strict=True):
        for column, (low, high) in ranges.items():
            try:
                value = number(row[column])
            except ValueError:
                value = math.inf
            if not (math.isnan(value) or low <= value <= high):
                faults.append(f"{name} {column} {row[column]!r}{_hint(value, low, high)}")
            columns[column].append(value)
    if faults:
        must = ", ".join(f"{column} {low:g} to {high:g}" for column, (low, high) in ranges.items())
        shown = "; ".join(faults[:5]) + (f" and {len(faults) - 5} more" * (len(faults) > 5))
        raise DataError(
            f"values must be missing or numbers in range ({must})",
            given=shown,
            remedy="correct the table",
        )
    return columns


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            "the table must be a readable UTF-8 file", given=f"{path}: {error}"
        ) from error


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


def _cell(text: str, decimal_comma: bool) -> str:
    text = text.strip()
    return text.replace(",", ".") if decimal_comma else text


def _hint(value: float, low: float, high: float) -> str:
    for power in (10, 100, 1000):
        if math.isfinite(value) and low <= value / power <= high:
            return f" (was it {value / power:g}, with its decimal point lost?)"
    return ""
