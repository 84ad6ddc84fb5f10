from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from joulefront.spec import Budget, Objective, Replicates, Search, Stopping
from joulefront.spec.space import Float
from joulefront.store import StudyStore
from joulefront.testing.problem import Epoch, Run
from joulefront.testing.virtual import JOULES_PER_CPU_SECOND, Simulated, problem_spec, simulate


@dataclass(frozen=True)
class Ramp:
    """Trials of x seconds and 10 x joules in four epochs, whose error falls to 1 - x."""

    name = "ramp"
    epochs = 4
    reference = (2.0, 200.0)
    objectives = (Objective("error", "minimise"), Objective("energy_joules", "minimise"))
    space: Mapping[str, Any] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        object.__setattr__(self, "space", {"x": Float(0.5, 1.0)})

    def run(self, params: Mapping[str, Any], *, fold: int, seed: int) -> Run:
        x = params["x"]
        epochs = [
            Epoch(metrics={"error": 1 - x + 0.1 * (4 - i)}, joules=2.5 * i * x, seconds=100 * i * x)
            for i in (1, 2, 3, 4)
        ]
        return Run(epochs=epochs, tests={"test_error": 1.5 - x})

    def truth(self, params: Mapping[str, Any]) -> tuple[float, float]:
        return 1 - params["x"], 10 * params["x"]


def a_study(tmp_path: Path, trials: int = 6, **sections: Any) -> Simulated:
    search = Search(sampler="random", seed=3, concurrent=2)
    spec = problem_spec(Ramp(), budget=Budget(trials=trials), search=search, **sections)
    return simulate(spec, Ramp(), store=tmp_path / "study")


def test_trials_take_turns_in_two_slots(tmp_path: Path) -> None:
    simulated = a_study(tmp_path)
    assert [trial.state for trial in simulated.trials] == ["complete"] * 6
    assert "budget.trials" in (simulated.end_reason or "")
    busy = sum(400 * trial.params["x"] for trial in simulated.trials)
    assert busy / 2 < simulated.seconds < busy


def test_what_it_costs_is_the_trials_and_the_drivers_own_time(tmp_path: Path) -> None:
    simulated = a_study(tmp_path)
    trials = sum(10 * trial.params["x"] for trial in simulated.trials)
    search = simulated.joules - trials
    assert search == pytest.approx(JOULES_PER_CPU_SECOND * simulated.search_cpu_seconds)
    assert simulated.search_cpu_seconds >= sum(simulated.proposal_cpu_seconds) > 0


def test_objectives_are_minimised_and_tests_stand_in_for_their_metrics(tmp_path: Path) -> None:
    trial = a_study(tmp_path, trials=1).trials[0]
    x = trial.params["x"]
    assert trial.values == pytest.approx((1 - x, 10 * x))
    assert trial.tests == pytest.approx((1.5 - x, 10 * x))


def test_the_store_tells_the_same(tmp_path: Path) -> None:
    simulated = a_study(tmp_path)
    store = StudyStore.open(tmp_path / "study")
    trials = store.read("trials").to_pandas()
    ends = trials[trials["kind"] == "end"]
    assert sorted(ends["energy_joules"]) == pytest.approx(
        sorted(trial.joules for trial in simulated.trials)
    )
    assert len(store.read("reports")) == 24


def test_replicates_run_on_their_folds(tmp_path: Path) -> None:
    replicates = Replicates(folds=2, seeds=1, allocate="all")
    trials = a_study(tmp_path, trials=2, replicates=replicates).trials
    assert [(trial.config_id, trial.fold) for trial in trials] == [
        ("c0000", 0),
        ("c0000", 1),
        ("c0001", 0),
        ("c0001", 1),
    ]
    assert {trial.seed for trial in trials} == {3}


def test_a_watch_cuts_a_study_off(tmp_path: Path) -> None:
    spec = problem_spec(Ramp(), budget=Budget(trials=50), search=Search(sampler="random"))
    seen: list[int] = []

    def watch(simulated: Simulated) -> bool:
        seen.append(sum(trial.state == "complete" for trial in simulated.trials))
        return len(seen) == 3

    simulated = simulate(spec, Ramp(), store=tmp_path / "study", watch=watch)
    assert seen == [1, 2, 3] and simulated.end_reason is None


@pytest.mark.parametrize("tell_complete", [False, True])
def test_stopped_trials_are_pruned_unless_a_mutant_tells_them_as_complete(
    tmp_path: Path, tell_complete: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rule = "joulefront.bench.search.faults:impatient"
    monkeypatch.setitem(__import__("joulefront.stopping").stopping.RULES, "dominated", rule)
    search = Search(sampler="random", seed=3, concurrent=2)
    stopping = Stopping(rule="dominated")
    spec = problem_spec(Ramp(), budget=Budget(trials=20), search=search, stopping=stopping)
    simulated = simulate(spec, Ramp(), store=tmp_path / "s", tell_complete=tell_complete)
    short = [trial for trial in simulated.trials if trial.epochs < 4]
    assert len(simulated.trials) == 20 and short
    assert {trial.state for trial in short} == {"complete" if tell_complete else "pruned"}
    ends = StudyStore.open(tmp_path / "s").read("trials").to_pandas()
    told = ends[(ends["kind"] == "end") & (ends["state"] == "pruned")]
    assert len(told) == (0 if tell_complete else len(short))
