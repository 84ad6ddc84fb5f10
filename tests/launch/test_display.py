from __future__ import annotations

import io

import pytest
from rich.console import Console

from joulefront.launch.conductor import Conductor
from joulefront.launch.display import PlainLines, eta_seconds, progress_line, study_table
from joulefront.spec import Budget, Replicates
from joulefront.stopping import End
from joulefront.trial.messages import ChargeRow, Closing, Report


@pytest.fixture
def running(driver, study, toy_spec):
    """A study of four, with one trial complete and one that has reported an epoch."""
    with driver(study, toy_spec(budget=Budget(trials=4))) as conductor:
        charge = ChargeRow(
            host="h", device="cpu", component="cpu", joules=7200.0, provenance="modelled"
        )
        metrics = {"accuracy": 0.75, "flops": 10.0}
        done = conductor.next_assignment().trial_id
        closing = Closing(
            state="complete", metrics=metrics, charges=(charge,), duration_seconds=10.0
        )
        conductor.receive(done, closing)
        conductor.ended(done, None)
        other = conductor.next_assignment().trial_id
        conductor.receive(other, Report(epoch=2, metrics={"accuracy": 0.5}, charges=(charge,)))
        yield conductor


def drawn(conductor: Conductor, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(study_table(conductor, width))
    return console.file.getvalue().splitlines()


def test_the_table_fits_and_tells_what_is_known(running):
    lines = drawn(running, 80)
    assert all(len(line) <= 80 for line in lines)
    text = "\n".join(lines)
    assert "1/4 trials" in text and "2 Wh spent" in text
    assert "c0000-f0-s0" in text and "0.75" in text and "done" in text
    assert "c0001-f0-s0" in text and "0.5" in text


def test_the_time_to_go_is_that_of_the_trials_so_far(running):
    assert eta_seconds(running) == pytest.approx(30.0)
    assert "about 0:00:30 to go" in progress_line(running)


def test_replicates_are_counted(running, toy_spec):
    from joulefront.launch.display import expected_trials

    replicates = Replicates(folds=5, seeds=2, allocate="all")
    assert expected_trials(toy_spec(budget=Budget(trials=3), replicates=replicates)) == 30
    assert expected_trials(toy_spec(budget=Budget(hours=1.0))) is None


def test_in_a_pipe_each_trial_that_ends_is_a_line(running, capsys):
    with PlainLines().watching(running) as refresh:
        refresh()
        assert capsys.readouterr().out == ""
        failed = Closing(state="failed", failure="boom", retryable=False)
        running.receive("c0001-f0-s0", failed)
        refresh()
        refresh()
    out = capsys.readouterr().out.splitlines()
    assert len(out) == 1 and out[0].startswith("c0001-f0-s0") and "failed" in out[0]


def test_trials_that_ended_early_and_the_end_of_the_search_are_told(running):
    running.agenda._move(running.agenda.trial("c0001-f0-s0"), "pruned")
    running.agenda.end(End("budget.plateau", "0.1 % in 10 configurations"))
    line = progress_line(running)
    assert "1/4 trials, 1 pruned, 2 Wh" in line
    assert line.endswith("search ended by budget.plateau: 0.1 % in 10 configurations")
    console = Console(file=io.StringIO(), width=150)
    console.print(study_table(running, 150))
    assert "pruned" in console.file.getvalue().splitlines()[-1]


def test_what_a_stopped_trial_would_have_come_to_is_not_shown_as_measured(running, capsys):
    with PlainLines().watching(running) as refresh:
        running.agenda.prune("c0001-f0-s0", (-0.625, 321.0))
        refresh()
    printed = capsys.readouterr().out
    assert "pruned" in printed and "625" not in printed and "321" not in printed
    text = "\n".join(drawn(running, 100))
    assert "625" not in text and "321" not in text


def test_where_the_front_is_raced_for_configurations_and_replicates_are_counted(
    driver, study, toy_spec
):
    replicates = Replicates(folds=5, allocate="front")
    with driver(study, toy_spec(budget=Budget(trials=4), replicates=replicates)) as conductor:
        assert progress_line(conductor).startswith("0/4 configurations, 0 trials, 0 of them rep")
        assert eta_seconds(conductor) is None
