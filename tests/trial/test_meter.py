"""The host's meter on Ray, as trials in actors see it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from joulefront.energy import Policy, ProcessCounters, Registration, Row, Window, attribute
from joulefront.energy import power_model as own_power_model
from joulefront.energy.processes import process_table
from joulefront.store import StudyStore
from joulefront.trial import Assignment

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_session")]

MODEL = own_power_model()
TRAINABLE = """
import time
from dataclasses import dataclass

import ray

@dataclass(frozen=True)
class Config:
    pass

def train(config, trial):
    class Child:
        def work(self, seconds):
            begun = time.process_time()
            while time.process_time() - begun < seconds:
                sum(range(100_000))
            return time.process_time() - begun

    with trial.measured():
        child = ray.remote(num_cpus=0)(Child).remote()
        used = ray.get(child.work.remote({seconds}))
    ray.kill(child)
    trial.finish({"child_seconds": used})
"""


@pytest.fixture
def study(tmp_path: Path) -> StudyStore:
    return StudyStore.create(tmp_path / "study", {"name": "test"})


def ledger(study: StudyStore) -> list[Row]:
    return [Row.from_columns(row) for row in study.read("ledger").to_pylist()]


def wait_for(study: StudyStore, found: Callable[[list[Row]], Any]) -> Any:
    """Return what is found in the ledger, as soon as it is there."""
    for _ in range(600):
        if answer := found(ledger(study)):
            return answer
        time.sleep(0.1)
    raise AssertionError([(row.kind, row.details) for row in ledger(study)])


def samples_of(rows: list[Row], trial_id: str) -> list[Row]:
    key = f"{trial_id}/1/0"
    return [row for row in rows if row.kind == "sample" and key in row.details["processes"]]


def meters() -> list[dict[str, Any]]:
    from ray._private import state

    table = state.actors(actor_state_name="ALIVE").values()
    return [entry for entry in table if entry["ActorClassName"] == "Meter"]


@pytest.fixture
def worker():
    """Make Ray actors that run trials; they are killed after the test."""
    import ray

    class Worker:
        def pid(self) -> int:
            return os.getpid()

        def open(self, study: str, trial_id: str) -> None:
            from joulefront.trial._meter import RayHost

            self.host, self.counters = RayHost(), ProcessCounters()
            self.called = self.counters.read()
            self.host.register(
                Registration(
                    study=study,
                    trial_id=trial_id,
                    attempt=1,
                    rank=0,
                    pid=os.getpid(),
                    started=process_table().started(os.getpid()),
                    cores=1,
                    called=self.called,
                )
            )
            self.host.window_opened(self.called, "training")

        def close(self) -> Any:
            observed = self.host.observe(self.called.monotonic_ns)
            window = Window(
                opened=self.called, closed=self.counters.read(), cores=1, observed=observed
            )
            self.host.window_closed(window, "training")
            self.host.closed(window)
            return observed

        def run(self, assignment: str) -> Any:
            from joulefront.trial import Assignment, Place, run_trial
            from joulefront.trial._meter import RayHost

            messages: list[Any] = []
            self.send = messages.append
            run_trial(Assignment.from_json(assignment), Place(), self, RayHost())
            return messages[-1]

        def spin(self) -> None:
            while True:
                sum(range(100_000))

    actors = []

    def make() -> Any:
        actors.append(ray.remote(num_cpus=0)(Worker).remote())
        return actors[-1]

    yield make
    for actor in actors:
        ray.kill(actor)


def test_processes_of_one_host_share_one_meter(study, worker) -> None:
    import ray

    pair = [worker(), worker()]
    for number, one in enumerate(pair):
        ray.get(one.open.remote(str(study.path), f"c{number}"))
    rows = wait_for(study, lambda rows: samples_of(rows, "c0") and samples_of(rows, "c1") and rows)
    assert len(meters()) == 1 and meters()[0]["Name"].startswith("meter-")
    assert len({row.meter for row in rows}) == 1
    assert sorted(row.trial_id for row in rows if row.kind == "open") == ["c0", "c1"]
    observed = ray.get([one.close.remote() for one in pair])
    assert all(seen.memory_bytes for seen in observed)
    wait_for(study, lambda rows: len([row for row in rows if row.kind == "close"]) == 2)


def test_a_killed_meter_goes_on_with_what_was_open(study, worker) -> None:
    import ray

    one = worker()
    ray.get(one.open.remote(str(study.path), "c0"))
    before = wait_for(study, lambda rows: samples_of(rows, "c0"))[-1]
    os.kill(meters()[0]["Pid"], signal.SIGKILL)
    after = wait_for(
        study, lambda rows: [r for r in samples_of(rows, "c0") if r.meter != before.meter]
    )
    assert len(meters()) == 1
    cpu = [row.details["processes"]["c0/1/0"][0] for row in (before, after[-1])]
    assert cpu[0] <= cpu[1]
    ray.get(one.close.remote())
    rows = wait_for(study, lambda rows: any(row.kind == "close" for row in rows) and rows)
    attempt = attribute(rows, MODEL, Policy()).attempts["c0", 1]
    assert attempt.complete


def test_a_meter_that_is_gone_for_good_is_replaced(study, worker) -> None:
    import ray

    one = worker()
    ray.get(one.open.remote(str(study.path), "c0"))
    first = wait_for(study, lambda rows: samples_of(rows, "c0"))[-1]
    ray.kill(ray.get_actor(meters()[0]["Name"], "joulefront"))
    assert ray.get(one.close.remote()).coverage == 0.0
    rows = wait_for(study, lambda rows: any(row.kind == "close" for row in rows) and rows)
    assert len({row.meter for row in rows}) == 2 and rows[-1].meter != first.meter


def test_a_child_actor_is_charged_to_the_trial(study, worker, tmp_path) -> None:
    import ray

    (tmp_path / "parent.py").write_text(TRAINABLE.replace("{seconds}", "2.0"))
    assignment = Assignment(
        trainable=f"{tmp_path}/parent.py:train",
        trial_id="c0",
        config_id="c0",
        power_model=MODEL.to_dict(),
        store=str(study.path),
    )
    closing = ray.get(worker().run.remote(assignment.to_json()))
    (cpu,) = (row.joules for row in closing.charges if row.component == "cpu")
    print(
        [
            (
                r.kind,
                r.monotonic_ns / 1e9,
                r.details.get("processes"),
                r.details.get("window", {}).get("observed"),
            )
            for r in ledger(study)
        ]
    )
    used = closing.metrics["child_seconds"]
    assert cpu / MODEL.joules_per_cpu_second >= 0.9 * used
    rows = wait_for(study, lambda rows: any(row.kind == "close" for row in rows) and rows)
    told = attribute(rows, None, Policy()).attempts["c0", 1].charges
    assert cpu == pytest.approx(sum(c.joules for _, c in told if c.component == "cpu"))


def test_a_killed_worker_leaves_its_last_samples(study, worker) -> None:
    import ray

    one = worker()
    ray.get(one.open.remote(str(study.path), "c0"))
    one.spin.remote()
    wait_for(study, lambda rows: len(samples_of(rows, "c0")) >= 3)
    pid = next(row.details["pid"] for row in ledger(study) if row.kind == "open")
    os.kill(pid, signal.SIGKILL)
    rows = wait_for(
        study, lambda rows: rows[-1].kind == "sample" and not rows[-1].details["processes"] and rows
    )
    attempt = attribute(rows, MODEL, Policy()).attempts["c0", 1]
    assert not attempt.complete and "process lost" in attempt.degradations
    assert sum(c.joules for _, c in attempt.charges if c.component == "cpu") > 0


def test_the_drivers_word_ends_the_ledger(study, monkeypatch) -> None:
    from joulefront.trial import _meter
    from joulefront.trial._meter import attend_study

    monkeypatch.setattr(_meter, "_found", {})  # another test may have killed what it holds
    counters = ProcessCounters()
    called = counters.read()
    registration = Registration(
        study=str(study.path),
        trial_id="",
        attempt=0,
        rank=0,
        pid=os.getpid(),
        started=process_table().started(os.getpid()) or 0,
        cores=0,
        called=called,
    )
    host = attend_study(study.path, registration)
    host.closed(Window(opened=called, closed=counters.read(), cores=0))
    host.observe(called.monotonic_ns)
    wait_for(study, lambda rows: any(row.kind == "close" for row in rows))
    kinds = [row.kind for row in ledger(study)]
    assert kinds[0] == "host" and kinds[-2:] == ["sample", "close"]


def test_a_meter_that_cannot_be_reached_covers_nothing(study, monkeypatch) -> None:
    from joulefront.trial import _meter

    def gone() -> None:
        raise RuntimeError("no Ray")

    monkeypatch.setattr(_meter, "_find_meter", gone)
    host = _meter.RayHost()
    host.window_opened(ProcessCounters().read(), "training")
    assert host.observe(0).coverage == 0.0


def test_a_study_that_is_gone_harms_nobody(tmp_path, worker) -> None:
    import ray

    one = worker()
    ray.get(one.open.remote(str(tmp_path / "nowhere"), "c0"))
    assert ray.get(one.close.remote()).actors_cpu_ns == 0
    assert not (tmp_path / "nowhere").exists()


def test_a_meter_that_nobody_needs_ends() -> None:
    import ray

    from joulefront.trial._meter import Meter

    made = ray.remote(num_cpus=0, max_restarts=-1)(Meter)
    meter = made.options(name="idle", namespace="test").remote(0.0)
    for _ in range(600):
        if not any(entry["Name"] == "idle" for entry in meters()):
            break
        time.sleep(0.1)
    with pytest.raises(ray.exceptions.ActorDiedError):
        ray.get(meter.end.remote())
