from __future__ import annotations

import math
from pathlib import Path

import pytest

from joulefront.trial import DataError
from trainables.cohorts.table import number, numbers, read_table


def _write(tmp_path: Path, text: str, encoding: str = "utf-8") -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    "text",
    [
        "ID,nWBV,Other\na,0.7,x\nb,0.8,y\n",
        "id , NWBV,other\r\na,0.7,x\r\nb,0.8,y",
        "ID;nWBV;Other\ra;0,7;x\rb;0,8;y\r",
        "\ufeffOther\tID\tnWBV\n1\ta\t0.7\n\n2\tb\t 0.8\n",
    ],
)
def test_separators_line_ends_and_case(tmp_path: Path, text: str) -> None:
    rows = read_table(_write(tmp_path, text), ["ID", "nWBV"])
    assert rows == [{"ID": "a", "nWBV": "0.7"}, {"ID": "b", "nWBV": "0.8"}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "at least one row"),
        ("\n\n", "at least one row"),
        ("ID,nWBV\n", "at least one row"),
        ("ID,WBV\na,1\n", "one column nWBV.*did you mean wbv"),
        ("ID,nWBV,nwbv\na,1,1\n", "has 2"),
        ("ID,nWBV\na,1,2\n", "row 2: 3 cells"),
        ('ID,nWBV\n"a,1\n', "delimited text"),
    ],
)
def test_refuses_what_is_no_table(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(_write(tmp_path, text), ["ID", "nWBV"])


def test_refuses_absent_and_binary_files(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="readable UTF-8"):
        read_table(tmp_path / "none.csv", ["ID"])
    with pytest.raises(DataError, match="readable UTF-8"):
        read_table(_write(tmp_path, "ID\n\u20ac", "utf-16"), ["ID"])


@pytest.mark.parametrize("cell", ["", "NA", "n/a", "NaN", "-4", "-1.0", "999999"])
def test_missing_codes(cell: str) -> None:
    assert math.isnan(number(cell))


def test_a_lost_decimal_point_is_named() -> None:
    rows = [{"nWBV": "0.7"}, {"nWBV": "823"}, {"nWBV": "x"}, {"nWBV": "inf"}]
    with pytest.raises(DataError, match=r"b nWBV '823' \(was it 0.823.*c nWBV 'x'; d nWBV 'inf'"):
        numbers(rows, ["a", "b", "c", "d"], {"nWBV": (0.5, 0.95)})
