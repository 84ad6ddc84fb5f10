from __future__ import annotations

import pytest

from joulefront.launch import slots
from joulefront.launch.resources import Resources
from joulefront.spec import PerTrial


@pytest.fixture
def cluster(monkeypatch):
    """Nodes by CPUs and GPUs, and a clock: both to be changed."""
    nodes, now = [(4.0, 0.0)], [0.0]
    monkeypatch.setattr(slots, "node_sizes", lambda: nodes)
    monkeypatch.setattr(slots.time, "monotonic", lambda: now[0])
    return nodes, now


def each(toy_spec, **per_trial) -> Resources:
    return Resources.of_trial(toy_spec(per_trial=PerTrial(**per_trial)))


def test_slots_follow_the_nodes(toy_spec, cluster):
    nodes, now = cluster
    count = slots.ClusterSlots(each(toy_spec), None)
    assert count() == 4
    nodes.append((3.0, 0.0))
    assert count() == 4, "it was not to ask at every step"
    now[0] += 2.0
    assert count() == 7
    nodes.clear()
    now[0] += 2.0
    assert count() == 1, "one trial waits for a node to join"


def test_no_process_spans_two_nodes_but_a_group_does(toy_spec, cluster):
    nodes, _ = cluster
    nodes[:] = [(3.0, 0.0), (3.0, 0.0), (3.0, 0.0)]
    assert slots.ClusterSlots(each(toy_spec, cpus=2), None)() == 3
    assert slots.ClusterSlots(each(toy_spec, workers=3, cpus=2), None)() == 1
    assert slots.ClusterSlots(each(toy_spec, workers=2), None)() == 4


def test_a_study_s_own_number_holds_except_for_groups_that_do_not_fit(toy_spec, cluster):
    assert slots.ClusterSlots(each(toy_spec), 9)() == 9
    assert slots.ClusterSlots(each(toy_spec, workers=2), 9)() == 2
    assert slots.ClusterSlots(each(toy_spec, workers=2), 1)() == 1
