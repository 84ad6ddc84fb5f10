from __future__ import annotations

import numpy as np
import pytest

from joulefront.stopping import RULES, load_rule
from joulefront.testing import stopping as checks

STOPPING = sorted(RULES.keys() - {"never"})


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_passes_all_checks(name):
    checks.check_rule(RULES[name], stops=name != "never")


@pytest.mark.parametrize("name", STOPPING)
def test_loss_of_trials_that_start_badly_and_end_on_the_front(name):
    rule = load_rule(RULES[name])
    rates = {alike: checks.adversarial_loss_rate(rule, alike=alike, trials=20) for alike in (0, 5)}
    print(f"{name}: share of adversarial trials lost, by how many finished are alike: {rates}")
    assert checks.adversarial_loss_rate(load_rule(RULES["never"]), trials=1) == 0.0
    if name == "dominated":
        assert rates[5] <= 0.1


def test_the_adversary_starts_worst_and_ends_on_the_front():
    others, finished = checks.made_up_study()
    adversary = checks.made_up_curve("adversary", error=0.05, joules=60.0, late=True)
    rows = np.array([other.objectives[:6, 0] for other in others])
    assert (adversary.objectives[:6, 0] > rows.max(axis=0)).all()
    assert not (finished <= adversary.objectives[-1]).all(axis=1).any()


# Deliberate mutants: the checks above must be able to fail.


def test_check_notices_a_rule_that_stops_everybody():
    with pytest.raises(AssertionError, match="best trial was stopped"):
        checks.check_the_best_trial_goes_on(lambda curve, others, finished, settings: True)


def test_check_notices_a_rule_that_stops_nobody():
    with pytest.raises(AssertionError, match="hopeless trial went on"):
        checks.check_a_hopeless_trial_ends(lambda curve, others, finished, settings: False)


def test_check_notices_a_rule_that_looks_at_the_order():
    def by_order(curve, others, finished, settings):
        return others[0].trial_id < others[-1].trial_id

    with pytest.raises(AssertionError, match="order changed"):
        checks.check_answers_are_pure(by_order)


def test_check_notices_a_rule_that_remembers():
    answers = iter([True, False])
    with pytest.raises(AssertionError, match="second time"):
        checks.check_answers_are_pure(lambda *arguments: next(answers))


def test_check_notices_a_rule_that_breaks_on_nan():
    def brittle(curve, others, finished, settings):
        return bool(int(curve.objectives[-1].sum()) > 100)

    with pytest.raises(ValueError, match="NaN"):
        checks.check_unknown_values_are_survived(brittle)
