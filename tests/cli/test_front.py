from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest

from joulefront.cli.front import FrontFormat, front
from joulefront.errors import StudyError


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


def test_a_pick_is_one_member(tiny: Path, capfdbinary) -> None:
    front(tiny, best="accuracy under 0.1 Wh")
    assert capfdbinary.readouterr().out.startswith(b"best accuracy under 0.1 Wh: c0000, ")
    front(tiny, knee="utopia")
    assert capfdbinary.readouterr().out.startswith(b"knee by utopia: c000")


def test_a_pick_can_be_csv(tiny: Path, capfdbinary) -> None:
    front(tiny, FrontFormat.csv, best="accuracy under 0.1 Wh")
    chosen = pd.read_csv(io.BytesIO(capfdbinary.readouterr().out))
    assert chosen["config_id"].tolist() == ["c0000"]


def test_two_wishes_at_once_are_refused(tiny: Path) -> None:
    with pytest.raises(StudyError, match="by one wish"):
        front(tiny, best="accuracy under 1 Wh", knee="chord")
