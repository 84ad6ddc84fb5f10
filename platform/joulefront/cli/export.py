"""`study export STUDY`: one of a study's tables as CSV, Parquet or an Arrow file."""

from __future__ import annotations

import csv
import io
import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from joulefront.cli.options import StudyPlace
from joulefront.cli.piping import write_bytes, write_file, write_text
from joulefront.errors import JoulefrontError

if TYPE_CHECKING:
    import pyarrow as pa


class Table(StrEnum):
    """The tables of a study."""

    trials = "trials"
    reports = "reports"
    energy = "energy"
    ledger = "ledger"
    events = "events"


class ExportFormat(StrEnum):
    """File formats; arrow is the Arrow IPC file format (Feather version 2)."""

    csv = "csv"
    parquet = "parquet"
    arrow = "arrow"


def export(
    study: StudyPlace,
    table: Annotated[Table, typer.Option(help="Which table.")] = Table.trials,
    output_format: Annotated[
        ExportFormat, typer.Option("--format", help="File format.")
    ] = ExportFormat.csv,
    out: Annotated[
        Path | None, typer.Option(help="File to write, instead of standard output.")
    ] = None,
) -> None:
    """Write one table of a study, for other programs."""
    if out is None and output_format is not ExportFormat.csv and sys.stdout.isatty():
        raise JoulefrontError(
            f"{output_format} must go to a file or a pipe",
            given="a terminal",
            remedy="give --out FILE",
        )
    from joulefront.results import Study

    data = encode(Study.open(study).table(table.value), output_format)
    if out is None and sys.stdout.isatty():
        write_text(data.decode("utf-8", errors="replace"))
    elif out is None:
        write_bytes(data)
    else:
        write_file(out, data)


def encode(table: pa.Table, output_format: ExportFormat) -> bytes:
    """A table as the bytes of a file.

    In CSV an absent value is an empty field, a list is JSON text, and text is quoted where
    it must be; the other formats keep all types.
    """
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    sink = pa.BufferOutputStream()
    if output_format is ExportFormat.parquet:
        pyarrow.parquet.write_table(table, sink, compression="zstd")
    elif output_format is ExportFormat.arrow:
        with pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)
    else:
        sink.write(_csv_header(table.column_names))
        options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
        pyarrow.csv.write_csv(_flat(table), sink, options)
    return bytes(sink.getvalue().to_pybytes())


def _csv_header(names: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode("utf-8")


def _flat(table: pa.Table) -> pa.Table:
    import pyarrow as pa

    for index, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            texts = [None if v is None else json.dumps(v) for v in table[index].to_pylist()]
            table = table.set_column(index, field.name, pa.array(texts, pa.string()))
    return table
