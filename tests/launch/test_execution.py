from __future__ import annotations

from joulefront.launch.execution import energy_notes
from joulefront.spec import PerTrial


def test_nothing_is_said_where_nothing_is_in_the_way(toy_spec):
    assert energy_notes(toy_spec(), 4, 4) == []
    assert energy_notes(toy_spec(), 400, None) == []


def test_what_will_degrade_charges_is_said_beforehand(toy_spec):
    (shared,) = energy_notes(toy_spec(per_trial=PerTrial(gpus=0.5)), 1, 4)
    assert "0.5 of a GPU" in shared
    (oversubscribed,) = energy_notes(toy_spec(), 6, 4)
    assert "6 cores of 4" in oversubscribed and "unpinned" in oversubscribed
