from __future__ import annotations

import logging
import subprocess
import sys

import pytest

from joulefront.errors import JoulefrontError
from joulefront.search import SAMPLERS, Observation, propose, stable_seed
from joulefront.spec.space import Choice, Float, Int

SPACE = {"x": Float(0.0, 1.0), "n": Int(1, 9)}


def complete(index, x=0.5, n=3, values=(1.0, 2.0)):
    return Observation(index=index, params={"x": x, "n": n}, values=values, state="complete")


def ask(sampler="tpe", index=0, history=(), space=SPACE, seed=0, objectives_count=2):
    return propose(
        space, objectives_count, sampler=sampler, seed=seed, index=index, history=history
    )


def test_unknown_sampler_names_the_nearest():
    with pytest.raises(JoulefrontError, match="nearest valid name: random"):
        ask("radnom")


def test_two_observations_of_one_index_are_refused():
    with pytest.raises(ValueError, match="index of its own"):
        ask(history=[complete(3), complete(3, x=0.1)])


def test_stable_seed_is_pinned():
    assert [stable_seed(0, 0), stable_seed(0, 1), stable_seed(1, 0)] == [
        1607770444,
        656268352,
        2235919913,
    ]


def test_seed_and_index_each_change_the_proposal():
    proposals = [ask("random", seed=s, index=i).params["x"] for s in range(3) for i in range(3)]
    assert len(set(proposals)) == 9


@pytest.mark.parametrize("sampler", ["random", "tpe", "grid", "qmc", "nsga2"])
def test_order_of_the_space_does_not_change_the_values(sampler):
    turned = dict(reversed(SPACE.items()))
    there, back = ask(sampler, 4), ask(sampler, 4, space=turned)
    assert there.params == back.params
    assert list(back.params) == list(turned)


def test_history_is_not_changed_and_duplicates_are_allowed():
    history = [complete(i) for i in range(12)]
    before = list(history)
    ask("tpe", 12, history)
    assert history == before


@pytest.mark.parametrize("values", [(float("nan"), 1.0), (1.0, float("inf")), None])
def test_complete_without_finite_values_is_told_as_failed(values):
    history = [complete(i, x=i / 20, values=(i / 20, 1.0)) for i in range(12)]
    broken = Observation(index=12, params={"x": 0.3, "n": 2}, values=values, state="complete")
    failed = Observation(index=12, params={"x": 0.3, "n": 2}, values=None, state="failed")
    assert ask(index=13, history=[*history, broken]) == ask(index=13, history=[*history, failed])


@pytest.mark.parametrize("sampler", ["tpe", "random", "nsga2", "auto"])
@pytest.mark.parametrize("objectives_count", [1, 2, 3])
def test_any_number_of_objectives(sampler, objectives_count):
    history = [complete(i, x=i / 20, values=(i / 7,) * objectives_count) for i in range(20)]
    proposal = ask(sampler, 20, history, objectives_count=objectives_count)
    assert 0.0 <= proposal.params["x"] <= 1.0


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_parameters_of_a_single_value(sampler):
    space = {
        "a": Float(0.5, 0.5),
        "b": Int(3, 3, log=True),
        "c": Choice((None,)),
        "d": Float(0.1, 0.1, step=0.1),
    }
    expected = {"a": 0.5, "b": 3, "c": None, "d": 0.1}
    assert ask(sampler, 0, space=space).params == expected


def test_options_keep_their_type():
    space = {"option": Choice((True, 2, 2.5, "2", None))}
    seen = {repr(ask("random", i, space=space).params["option"]) for i in range(60)}
    assert seen == {"True", "2", "2.5", "'2'", "None"}


def test_stepped_reals_are_those_of_the_grid():
    parameter = Float(0.1, 0.7, step=0.1)
    drawn = {ask("random", i, space={"x": parameter}).params["x"] for i in range(80)}
    assert drawn == set(parameter.grid())


def test_optuna_says_nothing_and_its_logger_is_left_alone(capfd):
    import optuna

    logger = logging.getLogger("optuna")
    before = (logger.level, logger.propagate, list(logger.handlers), list(logger.filters))
    optuna.logging.enable_default_handler()
    ask("tpe", 12, [complete(i, x=i / 20) for i in range(12)])
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert before == (logger.level, logger.propagate, list(logger.handlers), list(logger.filters))


def test_global_random_state_is_left_alone():
    import random

    import numpy as np

    random.seed(1)
    np.random.seed(1)
    expected = (random.getstate(), np.random.get_state()[1].tolist())
    for sampler in sorted(SAMPLERS):
        ask(sampler, 20, [complete(i, x=i / 20) for i in range(20)])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == expected


def test_import_needs_neither_optuna_nor_ray_nor_torch():
    heavy = "{'optuna', 'ray', 'torch', 'pandas', 'codecarbon'} & sys.modules.keys()"
    code = f"import sys, joulefront.search, joulefront.energy; print({heavy})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
