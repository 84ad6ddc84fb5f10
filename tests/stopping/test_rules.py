from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from joulefront.spec import Stopping
from joulefront.stopping import RULES, load_rule, should_stop, should_stop_by
from joulefront.testing.stopping import EPOCHS, beginning, made_up_curve, made_up_study

OTHERS, FINISHED = made_up_study()
CURVE = made_up_curve("hopeless", error=0.9, joules=900.0)


def always(curve, others, finished, settings):
    return True


def test_the_rules_are_those_of_the_study_file():
    assert sorted(RULES) == sorted(get_args(get_type_hints(Stopping)["rule"]))


@pytest.mark.parametrize("name", sorted(RULES))
def test_each_rule_can_be_imported_and_asked_by_name(name):
    curve, chosen = beginning(CURVE, 3), Stopping(rule=name)
    by_name = should_stop(curve, OTHERS, FINISHED, chosen)
    assert by_name is should_stop_by(load_rule(RULES[name]), curve, OTHERS, FINISHED, chosen)


@pytest.mark.parametrize("epoch", range(EPOCHS + 1))
def test_no_rule_is_asked_before_the_least_epoch_nor_at_the_last(epoch):
    answer = should_stop_by(
        always, beginning(CURVE, epoch), OTHERS, FINISHED, Stopping(rule="dominated", min_epochs=3)
    )
    assert answer is (3 <= epoch < EPOCHS)


def test_no_rule_is_asked_before_anything_has_finished():
    rule = Stopping(rule="dominated")
    assert not should_stop_by(always, beginning(CURVE, 3), OTHERS, FINISHED[:0], rule)
