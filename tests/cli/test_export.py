from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from joulefront.cli.export import ExportFormat, Table, encode, export
from joulefront.errors import JoulefrontError, StoreWriteError
from joulefront.results import Study


def exported(capfdbinary) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))


def test_trials_are_one_row_each_as_csv(tiny: Path, capfdbinary) -> None:
    export(tiny)
    rows = exported(capfdbinary)
    assert [row["state"] for row in rows] == ["complete", "complete", "failed", "running"]
    assert [row["on_front"] for row in rows] == ["true", "true", "false", "false"]
    assert [row["params.clusters"] for row in rows] == ["1", "2", "3", "4"]
    assert rows[2]["accuracy"] == ""
    assert rows[2]["failure"] == 'it said "no", twice'


@pytest.mark.parametrize(
    ("table", "columns"),
    [
        (Table.reports, ["time", "trial_id", "attempt", "epoch", "accuracy"]),
        (
            Table.energy,
            [
                *("trial_id", "attempt", "host", "device", "component", "joules"),
                *("provenance", "shared"),
            ],
        ),
        (
            Table.ledger,
            [
                *("time", "trial_id", "attempt", "kind", "host", "meter", "monotonic_ns"),
                "details",
            ],
        ),
        (Table.events, ["time", "trial_id", "attempt", "kind", "message", "details"]),
    ],
)
def test_the_other_tables(tiny: Path, capfdbinary, table: Table, columns: list[str]) -> None:
    export(tiny, table)
    assert list(exported(capfdbinary)[0]) == columns


@pytest.mark.parametrize("table", list(Table))
def test_parquet_and_arrow_keep_the_table(tiny: Path, tmp_path: Path, table: Table) -> None:
    expected = Study.open(tiny).table(table)
    export(tiny, table, ExportFormat.parquet, tmp_path / "table.parquet")
    export(tiny, table, ExportFormat.arrow, tmp_path / "table.arrow")
    parquet = pyarrow.parquet.read_table(tmp_path / "table.parquet")
    arrow = pa.ipc.open_file(tmp_path / "table.arrow").read_all()
    assert parquet.to_pylist() == arrow.to_pylist() == expected.to_pylist()
    assert parquet.schema.equals(expected.schema)


def test_a_pipe_takes_binary_formats(tiny: Path, capfdbinary) -> None:
    export(tiny, Table.trials, ExportFormat.parquet)
    data = capfdbinary.readouterr().out
    assert pyarrow.parquet.read_table(io.BytesIO(data)).num_rows == 4


@pytest.mark.parametrize("output_format", [ExportFormat.parquet, ExportFormat.arrow])
def test_a_terminal_does_not_take_binary_formats(
    tiny: Path, monkeypatch, output_format: ExportFormat
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    with pytest.raises(JoulefrontError, match="give --out FILE"):
        export(tiny, Table.trials, output_format)


def test_a_folder_that_is_not_there_is_named(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreWriteError, match="No such file"):
        export(tiny, out=tmp_path / "absent" / "trials.csv")


def test_lists_are_json_text_in_csv() -> None:
    table = pa.table({"a,b": [[1, 2], None], "c": ["x\ny", ""]})
    rows = list(csv.reader(io.StringIO(encode(table, ExportFormat.csv).decode(), newline="")))
    assert rows[0] == ["a,b", "c"]
    assert json.loads(rows[1][0]) == [1, 2]
    assert rows[1][1] == "x\ny"
    assert rows[2] == ["", ""]


def test_a_reader_who_stops_early_is_no_error(tiny: Path) -> None:
    code = (
        "import sys, pathlib\n"
        "from joulefront.cli.export import export\n"
        "from joulefront.cli.piping import write_bytes\n"
        "sys.stdin.read(1)\n"
        "export(pathlib.Path(sys.argv[1]))\n"
        "write_bytes(b'x' * 10**6)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tiny)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    process.stdin.write(b"\n")
    process.stdin.close()
    complaints = process.stderr.read()
    process.stderr.close()
    assert process.wait() == 0
    assert complaints == b""
