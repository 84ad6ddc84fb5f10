from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from joulefront.bench.energy import ledgers
from joulefront.energy import PowerModel, Row
from joulefront.energy.ledger import HostFacts, Sample
from joulefront.store import StudyStore

MODEL = PowerModel(
    joules_per_cpu_second=4.0,
    idle_watts_per_core=0.5,
    ram_watts_per_gib=0.4,
    tdp_watts=8.0,
    source="a test",
)
SECOND = 1_000_000_000


class Clock:
    """A host that is busy half of the time."""

    def busy_seconds(self, opened_ns: int, closed_ns: int) -> float:
        return (closed_ns - opened_ns) / SECOND / 2


def ledger() -> list[Row]:
    """Eleven seconds: each account uses a tenth of a second in each of them, trials nothing."""
    facts = HostFacts(
        boot_id="boot",
        scope="host",
        cores=2,
        node_class="a machine",
        memory_bytes=2**30,
        power_model=MODEL.to_dict(),
    )
    rows = [_row("host", 0, facts.to_dict())]
    for second in range(12):
        tenths = second * SECOND // 10
        sample = Sample(
            busy_ns=3 * tenths, search_ns=tenths, trials_ns=0, platform_ns=tenths, other_ns=tenths
        )
        rows.append(_row("sample", second * SECOND, sample.to_dict()))
    return rows


def _row(kind: str, monotonic_ns: int, details: dict[str, Any]) -> Row:
    return Row(kind=kind, host="h", meter="m", monotonic_ns=monotonic_ns, details=details)


def test_a_live_stretch_is_that_of_its_windows() -> None:
    trials = [
        {"opened_ns": 2.5 * SECOND, "closed_ns": 7.0 * SECOND, "charged": 2.0, "truth": 2.1},
        {"opened_ns": 3.0 * SECOND, "closed_ns": 7.5 * SECOND, "charged": 3.0, "truth": 3.1},
    ]
    row = ledgers.live_row("live_many", ledger(), trials, Clock())  # type: ignore[arg-type]
    assert row["seconds"] == pytest.approx(5.0)
    assert row["busy"] == pytest.approx(2.5)
    assert row["accounts"] == pytest.approx(
        {"trials": 5.0, "search": 0.5, "platform": 0.5, "other": 0.5}
    )


def test_the_meters_samples_are_counted() -> None:
    row = ledgers.process_row(
        "meter", ledger(), (2 * SECOND, {"meter": 1.0}), (6 * SECOND, {"meter": 1.5})
    )
    assert (row["seconds"], row["cpu"], row["samples"]) == (pytest.approx(4.0), 0.5, 4)


@pytest.mark.slow
def test_a_whole_ledger_is_replayed_in_other_processes(tmp_path: Path) -> None:
    store = StudyStore.create(tmp_path / "study", {})
    with store.writer() as writer:
        writer.append("ledger", [{"time": 0.0, **row.to_columns()} for row in ledger()])
    row = ledgers.bill_row(store.path, Clock(), MODEL)  # type: ignore[arg-type]
    assert row["busy"] == pytest.approx(5.5)
    assert row["accounts"] == pytest.approx(
        {"trials": 0.0, "search": 1.1, "platform": 1.1, "other": 1.1}
    )
    assert (row["identical"], row["identical_stamped"]) == (True, False)
