from __future__ import annotations

from math import inf, nan

import optuna
import pytest
from optuna.trial import TrialState

from joulefront.search import Observation, propose
from joulefront.search.optuna_study import IMPUTED, ask
from joulefront.spec.conditions import active
from joulefront.spec.space import Choice, Float, Int

SPACE = {
    "kind": Choice(("a", "b")),
    "width": Choice((32, 8, 16)),
    "share": Float(0.0, 0.6, step=0.1, when={"kind": "a"}),
    "n": Int(1, 9, when={"kind": "b"}),
}


class Watching(optuna.samplers.RandomSampler):
    """Keeps the study that it was asked in."""

    def before_trial(self, study, trial):
        self.trials = study.get_trials(deepcopy=False)[:-1]
        super().before_trial(study, trial)


def told(*observations):
    sampler = Watching(seed=0)
    ask(sampler, SPACE, 2, observations)
    return sampler.trials


def observation(index=0, state="complete", values=(1.0, 2.0), **others):
    params = others.pop("params", {"kind": "a", "width": 8, "share": 0.3})
    return Observation(index=index, params=params, values=values, state=state, **others)


def test_what_optuna_sees():
    trials = told(
        observation(0, attributes={"mine": 1}, constraints=(0.5, nan)),
        observation(1, "stopped"),
        observation(2, "failed", None),
        observation(3, values=(nan, 1.0)),
        observation(4, "running", None, params={"kind": "b", "width": 32, "n": 3}),
    )
    assert [t.state for t in trials] == [TrialState.COMPLETE] * 2 + [TrialState.RUNNING]
    assert [t.system_attrs.get(IMPUTED, False) for t in trials] == [False, True, False]
    assert trials[0].system_attrs["mine"] == 1
    assert trials[0].constraints == {"0": 0.5, "1": inf}
    assert trials[0].params == {"kind": 0, "width": 0, "share": 3}
    assert trials[2].params == {"kind": 1, "width": 2, "n": 3}


@pytest.mark.parametrize("objectives_count", [1, 2])
def test_tpe_takes_constraints_running_trials_and_conditions_together(objectives_count):
    known = [
        observation(
            i,
            values=(i / 30, 1.0 - i / 30)[:objectives_count],
            params={"kind": "a", "width": 8, "share": i % 7 / 10}
            if i % 2
            else {"kind": "b", "width": 16, "n": 1 + i % 9},
            constraints=(i - 20.0,),
        )
        for i in range(30)
    ]
    running = [observation(30 + i, "running", None) for i in range(2)]
    proposed = [
        propose(
            SPACE, objectives_count, sampler="tpe", seed=s, index=40, history=[*known, *running]
        ).params
        for s in range(12)
    ]
    for params in proposed:
        assert tuple(params) == active(SPACE, params)
