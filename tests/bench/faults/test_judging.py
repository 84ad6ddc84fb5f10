"""How the bench of faults judges: studies and books made by hand, some of them with a known wrong.

Nothing is launched or killed here.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from joulefront.bench.faults import (
    driver_kill,
    dying,
    node_loss,
    outside,
    ports,
    utilisation,
    worker_kill,
)
from joulefront.bench.figures import Figure

KILLED = 100.0


class Stand:
    """A study of complete trials and the books of its witnesses."""

    def __init__(self, folder: Path) -> None:
        self.study, self.books = folder / "study", folder / "books"
        self.books.mkdir()

    def end(self, name: int, *, writer: str = "a", x: float | None = None) -> None:
        point = name / 10 if x is None else x
        row = {"trial_id": f"t{name}", "kind": "end", "state": "complete", "attempt": 0}
        row |= {"time": 1.0, "fold": 0, "params.x": point, "score": point, "cost": 1 - point**2}
        write(self.study / "segments" / "trials" / f"{writer}-{name}.arrows", [row])

    def book(self, name: int, *lines: Mapping[str, Any], pid: int = 1) -> None:
        path = self.books / f"{name / 10!r}.0.{pid}.jsonl"
        path.write_text("".join(json.dumps(line) + "\n" for line in lines))

    def judge(self, before: Mapping[str, Any]) -> dict[str, int]:
        judged = driver_kill._judge(self.study, self.books, dict(before), KILLED)
        return {key: judged[key] for key in ("lost", "doubled", "ghosts")}


def write(path: Path, rows: Sequence[Mapping[str, Any]], torn: int = 0) -> None:
    """Write a stream as plain pyarrow does, without the last `torn` bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table, sink = pa.Table.from_pylist(list(rows)), pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        for batch in table.to_batches(max_chunksize=1):
            stream.write_batch(batch)
    data = sink.getvalue().to_pybytes()
    path.write_bytes(data[: len(data) - torn])


def ran(*, start: float = 1.0, end: float = 2.0, cpu: float = 0.5) -> list[dict[str, Any]]:
    return [
        {"what": "start", "time": start, "epoch": 0},
        {"what": "end", "time": end, "cpu": cpu},
    ]


@pytest.fixture
def stand(tmp_path: Path) -> Stand:
    """A study that was killed and resumed, and of which everything is there."""
    stand = Stand(tmp_path)
    for name in range(driver_kill.TRIALS):
        stand.end(name)
        stand.book(name, *ran())
    return stand


def test_a_whole_study_is_judged_whole(stand: Stand) -> None:
    before = outside.finished_trials(stand.study)
    assert stand.judge(before) == {"lost": 0, "doubled": 0, "ghosts": 0}


def test_a_finished_trial_that_is_gone_is_lost(stand: Stand) -> None:
    before = outside.finished_trials(stand.study)
    next(stand.study.rglob("a-3.arrows")).unlink()
    assert stand.judge(before)["lost"] > 0


def test_a_finished_trial_whose_figures_changed_is_lost(stand: Stand) -> None:
    before = outside.finished_trials(stand.study)
    before["t3"] = {**before["t3"], "score": 0.9}
    assert stand.judge(before)["lost"] == 1


def test_a_second_end_is_doubled(stand: Stand) -> None:
    stand.end(3, writer="b")
    assert stand.judge({})["doubled"] == 1


def test_a_finished_trial_that_began_again_after_the_kill_is_doubled(stand: Stand) -> None:
    before = outside.finished_trials(stand.study)
    stand.book(3, *ran(start=KILLED + 1, end=KILLED + 2), pid=2)
    assert stand.judge(before)["doubled"] == 1


def test_the_same_point_under_two_names_is_doubled(stand: Stand) -> None:
    next(stand.study.rglob("a-3.arrows")).unlink()
    stand.end(3, x=0.2)
    assert stand.judge({})["doubled"] == 1


def test_a_trial_that_never_came_to_its_end_is_a_ghost(stand: Stand) -> None:
    stand.book(3, ran()[0])
    assert stand.judge({})["ghosts"] == 1


def test_a_trial_that_nobody_ran_is_a_ghost(stand: Stand) -> None:
    before = outside.finished_trials(stand.study)
    next(stand.books.glob("0.3.*")).unlink()
    assert stand.judge(before)["ghosts"] == 1


def test_a_torn_tail_leaves_the_whole_batches(tmp_path: Path) -> None:
    rows = [{"time": float(i), "trial_id": f"t{i}"} for i in range(3)]
    write(tmp_path / "segments" / "trials" / "a.arrows", rows, torn=60)
    found = outside.stored_rows(tmp_path, "trials")
    assert [row["trial_id"] for row in found] == ["t0", "t1"]


def test_the_cpu_seconds_of_all_attempts_count(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    sign = {"what": "sign", "time": 1.5, "cpu": 0.25}
    stand.book(1, ran()[0], sign, *ran(start=3.0, end=4.0))
    stand.book(1, *ran(start=5.0, end=6.0, cpu=1.0), pid=2)
    (seen,) = outside.witnessed(stand.books).values()
    assert (seen.cpu_seconds, seen.began, seen.ends) == (1.75, [1.0, 3.0, 5.0], [4.0, 6.0])


CHARGE = {"time": 1.0, "trial_id": "t1", "attempt": 0, "host": "h", "device": "cpu"}


def test_set_up_pays_for_no_joule_of_a_window(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.end(1)
    window = {**CHARGE, "component": "cpu", "joules": 2.0}
    rows = [window, {**CHARGE, "component": "setup", "joules": 40.0}]
    write(stand.study / "segments" / "energy" / "a.arrows", rows)
    assert outside.billed_joules(stand.study) == {"0.1.0": 2.0}


def test_a_charge_that_stands_in_two_segments_is_billed_once(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    stand.end(1)
    for writer in "ab":
        charge = {**CHARGE, "component": "cpu", "joules": 2.0}
        write(stand.study / "segments" / "energy" / f"{writer}.arrows", [charge])
    assert outside.billed_joules(stand.study) == {"0.1.0": 2.0}


def test_one_trial_does_not_pay_for_another(tmp_path: Path) -> None:
    stand = Stand(tmp_path)
    header = {"content": {"study": {"power_model": {"joules_per_cpu_second": 4.0}}}}
    (stand.study).mkdir()
    (stand.study / "study.json").write_text(json.dumps(header))
    for name, cpu in ((1, 2.0), (2, 3.0)):
        stand.end(name)
        stand.book(name, *ran(cpu=cpu))
    charge = {**CHARGE, "component": "cpu", "joules": 50.0}
    write(stand.study / "segments" / "energy" / "a.arrows", [charge])
    assert driver_kill._owed(stand.study, stand.books) == 12.0


def values(figures: Sequence[Figure[Any]], rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {figure.key: (figure.value(rows), figure.mutant_value(rows)) for figure in figures}


@pytest.mark.parametrize("module", [driver_kill, worker_kill, node_loss, ports, utilisation])
def test_nothing_observed_reaches_nothing(module: Any) -> None:
    assert all(math.isnan(figure.value([])) for figure in module.FIGURES)


@pytest.mark.parametrize("module", [driver_kill, worker_kill, node_loss, ports, utilisation])
def test_every_figure_with_a_reach_has_a_mutant(module: Any) -> None:
    assert [f.key for f in module.FIGURES if f.reach is not None and f.mutant is None] == []


def test_a_study_without_a_kill_shows_nothing_of_kills() -> None:
    row = {"what": "worker_kill", "variant": "joulefront", "trials": 8, "completed": 8}
    (value, _) = values(worker_kill.FIGURES, [{**row, "killed": 0}])["worker_kill_completed"]
    assert math.isnan(value)
    (value, _) = values(worker_kill.FIGURES, [{**row, "killed": 6}])["worker_kill_completed"]
    assert value == 1


def test_a_driver_that_ended_before_its_kill_shows_nothing_of_kills() -> None:
    row = {"what": "driver_kill", "variant": "joulefront", "struck": False}
    row |= dict.fromkeys(("lost", "doubled", "ghosts", "missing"), 0)
    *judged, struck = driver_kill.FIGURES
    assert all(math.isnan(figure.value([row])) for figure in judged)
    both = [row, {**row, "struck": True}]
    assert all(figure.value(both) == 0 for figure in judged) and struck.value(both) == 0.5


def test_a_node_that_left_between_trials_shows_nothing() -> None:
    row = {"what": "node_loss", "variant": "joulefront", "lost": 0, "resumed": 1}
    assert math.isnan(values(node_loss.FIGURES, [{**row, "struck": False}])["node_loss_lost"][0])
    assert values(node_loss.FIGURES, [{**row, "struck": True}])["node_loss_resumed"][0] == 1


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback(address: str, loopback: bool) -> None:
    assert ports._is_loopback(address) is loopback


def test_a_study_that_was_never_seen_to_listen_has_no_figure() -> None:
    row = {"what": "ports", "variant": "joulefront", "open": 0, "listening": 0}
    assert math.isnan(values(ports.FIGURES, [row])["open_ports"][0])


def test_every_figure_can_be_read_from_whatever_rows_there_are() -> None:
    from joulefront.bench.faults import run

    rows = [{"what": "failed", "campaign": "x", "error": "y"}]
    for module in run._IN_ORDER:
        for figure in module.FIGURES:
            assert math.isnan(figure.value(rows)) or figure.value(rows) == math.inf
            assert not figure.is_reached(figure.value(rows)) or figure.reach is None


def test_a_torn_append_has_written_half_of_its_bytes(tmp_path: Path) -> None:
    path, sizes = tmp_path / "file", []
    with path.open("xb", buffering=0) as file:
        torn = dying._Halving(file, lambda: sizes.append(path.stat().st_size))
        for data in (b"12345678", b"abcd"):
            written = 0
            while written < len(data):
                written += torn.write(data[written:])
    assert path.read_bytes() == b"12345678abcd" and sizes == [4, 10]


def test_a_random_instant_is_drawn_nearer_until_it_strikes(monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(variant: str, *, after_seconds: float) -> dict[str, Any]:
        return {"variant": variant, "instant": after_seconds, "struck": after_seconds < 5}

    monkeypatch.setattr(driver_kill, "_killed", killed)
    rows = driver_kill._killed_at(12.0)
    assert [(row["instant"], row["struck"]) for row in rows] == [
        (12.0, False),
        (6.0, False),
        (3.0, True),
    ]
