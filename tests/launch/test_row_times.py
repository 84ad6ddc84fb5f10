"""The time of rows goes on as time does, whatever becomes of the wall clock."""

from __future__ import annotations

import pytest

from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.recorder import Recorder
from joulefront.launch.restoring import restore
from joulefront.launch.row_times import row_clock
from joulefront.trial.messages import Event

HOUR = 3600.0


@pytest.mark.parametrize("jump", [-HOUR, HOUR])
def test_a_clock_that_jumps_moves_neither_order_nor_elapsed_hours(study, toy_spec, jump):
    wall, passed = [1e9], [50.0]
    bill = StudyBill(store=study)

    def sleep(seconds):
        wall[0] += seconds
        passed[0] += seconds

    def drive(writer):
        clock = row_clock(study, wall=lambda: wall[0], passing=lambda: passed[0])
        recorder = Recorder(writer, bill, None, clock)
        recorder.events(None, [Event(kind="study_started", details={})])
        sleep(100)
        wall[0] += jump
        sleep(100)
        recorder.events(None, [Event(kind="study_interrupted", details={})])

    for _ in range(2):
        with study.writer() as writer:
            drive(writer)
        wall[0] += jump
    times = study.read("events")["time"].to_pylist()
    assert times[0] == 1e9
    assert times == sorted(times)
    with study.writer() as writer:
        restored = restore(Agenda(toy_spec()), Recorder(writer, bill, None), study)
    assert restored.elapsed_seconds == pytest.approx(400.0)
