from __future__ import annotations

import pytest
from ray.tune.search import Searcher

from joulefront.launch.prefetch import Prefetcher
from joulefront.launch.searcher import StudyCallback, StudySearcher
from joulefront.spec import Budget
from joulefront.trial.messages import Closing


@pytest.fixture
def studied(driver, study, toy_spec):
    """A conductor of three trials, and Tune's side of it with two slots."""
    spec = toy_spec(budget=Budget(trials=3))
    with driver(study, spec) as conductor, Prefetcher(lambda: 2) as prefetcher:
        conductor.agenda.proposer = prefetcher
        yield conductor, StudySearcher(conductor, lambda: 2, prefetcher)


def finish(conductor, searcher, tune_id: str) -> None:
    metrics = {"accuracy": 0.5, "flops": 1.0}
    conductor.receive(searcher.running[tune_id], Closing(state="complete", metrics=metrics))
    searcher.release(tune_id, None)


def test_none_is_answered_only_while_all_slots_are_taken(studied):
    conductor, searcher = studied
    assert searcher.suggest("a") and searcher.suggest("b")
    assert searcher.suggest("c") is None
    finish(conductor, searcher, "a")
    assert searcher.suggest("c")
    finish(conductor, searcher, "b")
    assert searcher.suggest("d") is None, "one trial is running still"
    finish(conductor, searcher, "c")
    assert searcher.suggest("d") == Searcher.FINISHED


def test_the_next_proposal_is_made_beforehand_and_none_after_the_last(studied, monkeypatch):
    conductor, searcher = studied
    asked = []
    prepare = searcher._prefetcher.prepare
    monkeypatch.setattr(
        searcher._prefetcher, "prepare", lambda r: (asked.append(r and r.index), prepare(r))
    )
    for tune_id in "abc":
        assert searcher.suggest(tune_id)
        finish(conductor, searcher, tune_id)
    assert asked == [1, 2, None]


def test_what_a_proposal_raises_stops_the_study_and_is_kept(studied):
    conductor, searcher = studied

    def fail(_: object) -> None:
        raise ArithmeticError("singular")

    conductor.agenda.proposer = fail
    assert searcher.suggest("a") == Searcher.FINISHED
    assert conductor.stopping and str(searcher.error) == "singular"


def test_what_the_display_raises_stops_the_study_and_is_kept(studied):
    conductor, searcher = studied

    def fail() -> None:
        raise OSError("no terminal")

    StudyCallback(searcher, fail).on_step_end(0, [])
    assert conductor.stopping and str(searcher.error) == "no terminal"
