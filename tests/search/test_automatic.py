from __future__ import annotations

import time
from dataclasses import replace
from math import nan

import numpy as np
import pytest

from joulefront.search import Observation, propose
from joulefront.search.observation import SAMPLER
from joulefront.spec.space import Choice, Float, Int

SPACE = {"x": Float(0.0, 1.0)}


def history(count, objectives_count=2, *, by="gp", cost=nan, joules=100.0):
    return [
        Observation(
            index=i,
            params={"x": i / count},
            values=(i / count, 1 - i / count, 0.5, 0.5, 0.5)[:objectives_count],
            state="complete",
            attributes={SAMPLER: by},
            joules=joules,
            proposal_joules=cost,
        )
        for i in range(count)
    ]


def taken(known, objectives_count=2):
    proposal = propose(
        SPACE, objectives_count, sampler="auto", seed=0, index=len(known), history=known
    )
    return proposal.attributes[SAMPLER]


@pytest.mark.parametrize(
    ("objectives_count", "count", "expected"),
    [(2, 0, "gp"), (1, 20, "gp"), (3, 20, "gp"), (2, 249, "gp"), (2, 250, "tpe"), (5, 20, "tpe")],
)
def test_few_observations_and_objectives_are_modelled(objectives_count, count, expected):
    assert taken(history(count, objectives_count), objectives_count) == expected


@pytest.mark.parametrize(
    ("by", "cost", "joules", "expected"),
    [
        ("gp", 19.0, 100.0, "gp"),
        ("gp", 21.0, 100.0, "tpe"),
        ("gp", 21.0, nan, "gp"),
        ("tpe", 21.0, 100.0, "gp"),
    ],
)
def test_a_model_must_be_cheap_beside_the_trials(by, cost, joules, expected):
    assert taken(history(20, by=by, cost=cost, joules=joules)) == expected


def test_nsga2_is_left_where_all_models_cost_too_much():
    dear = history(30, cost=21.0)
    dear[::2] = [replace(o, attributes={SAMPLER: "tpe"}) for o in dear[::2]]
    assert taken(dear) == "nsga2"


def test_one_dear_proposal_does_not_decide_and_replicates_are_not_one_trial():
    known = history(20, cost=1.0)
    known[-1] = replace(known[-1], proposal_joules=1e3)
    assert taken(known) == "gp"
    assert taken([replace(o, proposal_joules=19.0, trials=5) for o in known]) == "tpe"


def test_it_is_the_sampler_that_it_names():
    known = history(20)
    auto = propose(SPACE, 2, sampler="auto", seed=0, index=20, history=known)
    named = propose(SPACE, 2, sampler="gp", seed=0, index=20, history=known)
    assert auto.params == named.params


@pytest.mark.slow
def test_median_proposal_after_ten_thousand_takes_50_ms():
    space = {
        "a": Float(1e-4, 1e-1, log=True),
        "b": Int(1, 32, log=True),
        "c": Float(0.0, 0.8),
        "d": Choice(("x", "y", "z")),
        "e": Choice((1, 2, 4)),
    }
    known = []
    for i in range(10_000):
        params = propose(space, 2, sampler="random", seed=0, index=i, history=()).params
        values = (params["c"] + 1 / params["b"], params["e"] * params["b"] + params["a"])
        known.append(Observation(index=i, params=params, values=values, state="complete"))
    seconds = []
    for index in range(10_000, 10_015):
        begun = time.thread_time()
        propose(space, 2, sampler="auto", seed=0, index=index, history=known)
        seconds.append(time.thread_time() - begun)
    assert np.median(seconds) <= 0.05
