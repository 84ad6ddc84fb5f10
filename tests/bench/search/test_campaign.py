from __future__ import annotations

from pathlib import Path

import moocore
import numpy as np
import pytest

from joulefront.bench.search import campaign
from joulefront.bench.search.judging import (
    Measured,
    measured,
    members_by_estimate,
    members_by_mean,
    true_hypervolume,
    truly_members,
)
from joulefront.testing.families import Family
from joulefront.testing.virtual import Simulated, VirtualTrial


def trial(config: str, values: tuple[float, float], state: str = "complete") -> VirtualTrial:
    return VirtualTrial(
        config_id=config, params={"c": config}, fold=0, seed=0, values=values, state=state
    )


def test_what_is_reported_are_means_of_complete_trials() -> None:
    trials = [
        trial("c0010", (0.2, 9.0)),
        trial("c0002", (0.4, 1.0)),
        trial("c0002", (0.2, 3.0)),
        trial("c0003", (0.0, 0.0), "pruned"),
        trial("c0004", (0.5, 5.0)),
    ]
    known = measured(Simulated(trials=trials))
    assert [params["c"] for params in known.params] == ["c0002", "c0004", "c0010"]
    assert known.means()[0] == pytest.approx([0.3, 2.0])
    assert known.firsts()[0] == pytest.approx([0.4, 1.0])
    assert members_by_mean(known).tolist() == [True, False, True]
    assert members_by_mean(measured(Simulated())).tolist() == []


def test_the_oracles_agree_with_a_slow_count() -> None:
    problem = Family("graph", 0)
    rng = np.random.default_rng(0)
    points = rng.random((40, 2)) * np.array([0.6, 4000.0])
    slow = [
        not ((q <= p).all(axis=1) & (q < p).any(axis=1)).any() for p in points for q in [points]
    ]
    assert truly_members(points).tolist() == slow
    grid = rng.random((200_000, 2)) * np.array(problem.reference)
    share = np.mean([(points <= g).all(axis=1).any() for g in grid[:20_000]])
    volume = true_hypervolume(points, problem)
    assert volume / np.prod(problem.reference) == pytest.approx(share, abs=0.02)
    assert volume == pytest.approx(moocore.hypervolume(points, ref=list(problem.reference)))


def test_naive_intervals_take_folds_as_independent() -> None:
    trials = [trial("c0", (1.0, 1.0)), trial("c0", (3.0, 1.0))]
    low, high = campaign._naive_intervals(Measured(params=[{}], trials=[trials]))
    assert low[0] == pytest.approx([2 - 1.96, 1.0])
    assert high[0] == pytest.approx([2 + 1.96, 1.0])


@pytest.mark.slow
def test_jobs_give_rows_for_each_variant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(campaign, "TRIALS", 8)
    rows = campaign.do(("stopping", {"family": "transformer", "seed": 0}))
    rows += campaign.do(("race", {"family": None, "seed": 1}))
    rows += campaign.do(("front", {"family": "graph", "seed": 0, "trials": 8}))
    variants = {(row["situation"], row["variant"]) for row in rows}
    assert {
        ("stopping", "never"),
        ("stopping", "tells complete"),
        ("race", "auto"),
        ("race", "forgetful"),
        ("longer front", "reported"),
        ("longer front", "one member"),
    } <= variants
    never = next(row for row in rows if row["variant"] == "never")
    assert never["stopped"] == 0 and never["trials"] == 8
    one = next(row for row in rows if row["variant"] == "one member")
    assert one["reported"] == 1
    assert members_by_estimate.__doc__
