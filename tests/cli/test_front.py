from __future__ import annotations

import io
from pathlib import Path

import pandas as pd

from joulefront.cli.front import FrontFormat, front


def test_the_table_comes_with_a_drawing_in_80_columns(tiny: Path, capfdbinary, monkeypatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    front(tiny)
    text = capfdbinary.readouterr().out.decode()
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert "energy (Wh), minimise" in text
    assert "2 members of the front" in text


def test_csv_has_one_row_a_member(tiny: Path, capfdbinary) -> None:
    front(tiny, FrontFormat.csv)
    members = pd.read_csv(io.BytesIO(capfdbinary.readouterr().out))
    assert members["config_id"].tolist() == ["c0001", "c0000"]
    assert members["params.clusters"].tolist() == [2, 1]
    assert members["accuracy"].tolist() == [0.6, 0.5]
    assert "energy_joules_standard_error" in members
