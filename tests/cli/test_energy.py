from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd
import pytest

from joulefront.cli.energy import EnergyFormat, energy


def printed(capfdbinary) -> str:
    return capfdbinary.readouterr().out.decode()


def test_the_bill_fits_80_columns(tiny: Path, capfdbinary, monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    energy(tiny)
    text = printed(capfdbinary)
    assert max(map(len, text.splitlines())) <= 80
    assert "cpu (J)" in text
    assert "provenance: cpu=modelled" in text


def test_csv_has_one_row_an_account(tiny: Path, capfdbinary) -> None:
    energy(tiny, EnergyFormat.csv)
    bill = pd.read_csv(io.StringIO(printed(capfdbinary)), index_col="account")
    assert bill.loc["front", "cpu_joules"] == 360.0 + 720.0
    assert bill.loc["failed", "cpu_joules"] == 1080.0
    assert bill.loc["running", "cpu_joules"] == 1440.0


def test_json_says_null_for_what_is_not_known(tiny: Path, capfdbinary) -> None:
    energy(tiny, EnergyFormat.json)
    bill = json.loads(printed(capfdbinary))
    assert bill["provenance"] == {"cpu": "modelled"}
    rows = {row["account"]: row for row in bill["rows"]}
    assert rows["front"]["cpu_joules"] == 1080.0
    assert rows["total"]["cpu_joules"] is None


def test_codecarbon_has_its_header_and_a_row_a_host(tiny: Path, capfdbinary) -> None:
    energy(tiny, EnergyFormat.codecarbon)
    header, row, *more = printed(capfdbinary).splitlines()
    assert header.startswith("timestamp,project_name,run_id,experiment_id,duration,emissions,")
    assert row.split(",")[1:3] == ["tiny", "tiny/h"]
    assert more == []


@pytest.mark.parametrize("output_format", list(EnergyFormat))
def test_every_format_is_written_through_the_pipe(tiny, capfdbinary, output_format) -> None:
    energy(tiny, output_format)
    assert printed(capfdbinary).endswith("\n")
