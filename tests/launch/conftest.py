"""A driver without Ray, and a ledger as a host's meter would have left it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from joulefront.energy import PowerModel, Reading, Registration, Row
from joulefront.energy.ledger import HostFacts, Sample
from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.conductor import Conductor
from joulefront.launch.recorder import Recorder
from joulefront.launch.restoring import restore
from joulefront.store import StudyStore
from joulefront.trial.messages import Event

MODEL = PowerModel(
    joules_per_cpu_second=10.0,
    idle_watts_per_core=1.0,
    ram_watts_per_gib=1.0,
    tdp_watts=40.0,
    source="made up",
)


class Driver:
    """One driver of a study; `with` it for as long as it lives. The search itself costs nothing."""

    def __init__(self, store: StudyStore, spec: Any) -> None:
        self.store, self.spec = store, spec

    def __enter__(self) -> Conductor:
        self._writer = self.store.writer()
        bill = StudyBill(store=self.store)
        recorder = Recorder(self._writer, bill, 500.0)
        agenda = Agenda(self.spec)
        restored = restore(agenda, recorder, self.store)
        recorder.events(None, [Event(kind="study_started", details={})])
        free = MODEL.to_dict() | {"joules_per_cpu_second": 0.0}
        return Conductor(
            agenda,
            recorder,
            store=self.store.path,
            header={
                "power_model": free,
                "node_class": "a machine",
                "grid_intensity_grams_per_kwh": 500.0,
            },
            curves=restored.curves,
            growth=restored.growth,
            elapsed_seconds=restored.elapsed_seconds,
            searched_joules=bill.search_joules(),
        )

    def __exit__(self, *_: object) -> None:
        self._writer.close()


@pytest.fixture
def study(tmp_path: Path) -> StudyStore:
    return StudyStore.create(tmp_path / "study", {"name": "toy"})


@pytest.fixture
def driver() -> type[Driver]:
    return Driver


@pytest.fixture
def write_ledger(study: StudyStore) -> Callable[..., None]:
    """Write what a meter saw: CPU-seconds of an attempt and of the driver, a second apart."""

    def write(trial_id: str, attempt: int, *, trial_seconds: float, search_seconds: float) -> None:
        def row(kind: str, second: int, details: dict[str, Any], **who: Any) -> Row:
            return Row(
                kind=kind,
                host="h",
                meter="m",
                monotonic_ns=second * 10**9,
                details=details,
                **who,
            )

        def sample(second: int, share: float) -> Row:
            trial_ns = round(share * trial_seconds * 1e9)
            search_ns = round(share * search_seconds * 1e9)
            counters = Sample(
                busy_ns=trial_ns + search_ns,
                search_ns=search_ns,
                trials_ns=trial_ns,
                platform_ns=0,
                other_ns=0,
                processes={registration.key: (trial_ns, 0, 2**30)},
            )
            return row("sample", second, counters.to_dict())

        called = Reading(monotonic_ns=10**9, cpu_ns=0, gpu_millijoules={}, memory_bytes=2**30)
        registration = Registration(
            study=str(study.path),
            trial_id=trial_id,
            attempt=attempt,
            rank=0,
            pid=1,
            started=1,
            cores=1,
            called=called,
        )
        facts = HostFacts(
            boot_id="b",
            scope="host",
            cores=4,
            node_class="a machine",
            memory_bytes=2**32,
            power_model=MODEL.to_dict(),
        )
        who = {"trial_id": trial_id, "attempt": attempt}
        rows = [
            row("host", 0, facts.to_dict()),
            row("open", 1, registration.to_dict(), **who),
            sample(1, 0.0),
            sample(2, 0.5),
            sample(3, 1.0),
        ]
        with study.writer() as writer:
            for one in rows:
                writer.append("ledger", [one.to_columns()])

    return write
