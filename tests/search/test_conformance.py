from __future__ import annotations

import pytest
from optuna.samplers import GPSampler, RandomSampler, TPESampler

from joulefront.search import SAMPLERS, Observation, Proposal
from joulefront.search.optuna_study import ask
from joulefront.testing import samplers as checks

MODEL_BASED = ("gp", "tpe")
NAMED = sorted(SAMPLERS.keys() - {"auto"})  # "auto" is "gp" in these studies


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_proposals_lie_inside_the_space(name):
    checks.check_proposals_lie_inside(checks.load_sampler(SAMPLERS[name]))


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_conditions_hold(name):
    checks.check_conditions_hold(checks.load_sampler(SAMPLERS[name]))


@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_any_history_is_taken(name):
    checks.check_any_history_is_taken(checks.load_sampler(SAMPLERS[name]))


@pytest.mark.parametrize("name", NAMED)
def test_order_of_the_history_does_not_matter(name):
    checks.check_order_does_not_matter(checks.load_sampler(SAMPLERS[name]))


@pytest.mark.parametrize("name", NAMED)
def test_interruption_changes_nothing(name):
    checks.check_interruption_changes_nothing(checks.load_sampler(SAMPLERS[name]))


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMED)
def test_interruption_at_any_point_changes_nothing(name):
    checks.check_interruption_changes_nothing(
        checks.load_sampler(SAMPLERS[name]), count=15, interruptions=range(15)
    )


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=() if n == "gp" else pytest.mark.slow) for n in NAMED]
)
def test_fresh_process_agrees(name):
    checks.check_fresh_process_agrees(SAMPLERS[name])


@pytest.mark.parametrize("name", MODEL_BASED)
def test_running_set_is_seen(name):
    checks.check_running_set_is_seen(checks.load_sampler(SAMPLERS[name]))


@pytest.mark.parametrize("name", MODEL_BASED)
def test_stopped_and_constraints_are_seen(name):
    checks.check_stopped_and_constraints_are_seen(checks.load_sampler(SAMPLERS[name]))


@pytest.mark.slow
def test_all_checks_in_one_call():
    checks.check_sampler(SAMPLERS["random"], model_based=False)


# Deliberate mutants: the checks above must be able to fail.


def outside(space, objectives_count, *, seed, index, history):
    return Proposal(params=dict.fromkeys(space, 1e9), attributes={})


class Naive:
    """A sampler that is seeded with the study's seed when a process starts, and then kept."""

    def __init__(self, kind):
        self._kind = kind
        self._next_index = None

    def __call__(self, space, objectives_count, *, seed, index, history):
        if index != self._next_index:  # another process takes the study on
            self._sampler = self._kind(seed=seed)
        self._next_index = index + 1
        return ask(self._sampler, space, objectives_count, history)


@pytest.mark.parametrize("kind", [RandomSampler, TPESampler, GPSampler])
def test_a_naively_reseeded_replay_repeats_its_first_points(kind):
    naive = Naive(kind)
    undisturbed = checks.observed(naive, 8)
    resumed = checks.observed(naive, 8, stored=undisturbed[:4])
    assert [o.params for o in resumed[4:]] == [o.params for o in undisturbed[:4]]
    with pytest.raises(AssertionError, match="interrupted after 4"):
        checks.check_interruption_changes_nothing(naive, count=8, interruptions=(4,))


def test_check_notices_a_value_outside():
    with pytest.raises(AssertionError, match="proposal 0"):
        checks.check_proposals_lie_inside(outside)


def test_check_notices_that_order_matters():
    def order_matters(space, objectives_count, *, seed, index, history):
        return Proposal(params={"count": next(calls)}, attributes={})

    calls = iter(range(9))
    with pytest.raises(AssertionError, match="reversed"):
        checks.check_order_does_not_matter(order_matters)


def test_check_notices_blindness_to_running_trials():
    random = checks.load_sampler(SAMPLERS["random"])
    with pytest.raises(AssertionError, match="while it ran"):
        checks.check_running_set_is_seen(random)


def test_check_notices_blindness_to_stopped_trials():
    random = checks.load_sampler(SAMPLERS["random"])
    with pytest.raises(AssertionError, match="taken for failed ones"):
        checks.check_stopped_and_constraints_are_seen(random)


def test_check_notices_inactive_parameters():
    def all_of_them(space, objectives_count, *, seed, index, history):
        return Proposal(params={name: space[name].grid()[-1] for name in space}, attributes={})

    with pytest.raises(AssertionError, match="proposal 0 has"):
        checks.check_conditions_hold(all_of_them)


def test_check_notices_dependence_on_the_process(monkeypatch):
    monkeypatch.setattr(checks, "_proposals", lambda reference: [hash("a")])
    with pytest.raises(AssertionError, match="fresh process"):
        checks.check_fresh_process_agrees(SAMPLERS["random"])


def test_observations_of_the_checks_contain_a_failure():
    states = {o.state for o in checks.synthetic_history(14)}
    assert states == {"complete", "failed"}
    assert all(isinstance(o, Observation) for o in checks.synthetic_history(3))
