from __future__ import annotations

import pytest

from joulefront.energy import Row
from joulefront.energy.node_class import node_class
from joulefront.errors import StoreWriteError
from joulefront.store import StudyStore
from joulefront.trial.ledger import Ledger


def row(monotonic_ns: int) -> Row:
    return Row(kind="sample", host="h", meter="m", monotonic_ns=monotonic_ns, details={"n": 1})


def test_rows_are_there_at_once_and_after_it_was_closed(tmp_path) -> None:
    StudyStore.create(tmp_path, {"name": "test"})
    ledger = Ledger(str(tmp_path))
    assert not ledger.is_open and ledger.rows() == []
    ledger.append([row(1), row(2)])
    assert ledger.is_open and ledger.rows() == [row(1), row(2)]
    ledger.close()
    assert not ledger.is_open
    ledger.append([row(3)])
    ledger.close()
    assert Ledger(str(tmp_path)).rows() == [row(1), row(2), row(3)]


def test_without_a_study_nothing_is_known_and_nothing_made(tmp_path) -> None:
    ledger = Ledger(str(tmp_path / "nowhere"))
    assert ledger.rows() == [] and ledger.power_model() is None
    with pytest.raises(StoreWriteError, match="study directory"):
        ledger.append([row(1)])
    ledger.close()
    assert not (tmp_path / "nowhere").exists()


def test_the_studys_power_model_is_for_machines_of_its_class(tmp_path) -> None:
    for number, kind in enumerate((node_class(), "another")):
        folder = tmp_path / str(number)
        StudyStore.create(folder, {"node_class": kind, "power_model": {"a": 1}})
    assert Ledger(str(tmp_path / "0")).power_model() == {"a": 1}
    assert Ledger(str(tmp_path / "1")).power_model() is None
