from __future__ import annotations

import pytest

from joulefront.errors import StudyError
from joulefront.launch.cluster import ask_nodes
from joulefront.launch.node_classes import check_node_classes
from joulefront.spec import Energy, Objective

JOULES = (Objective("energy_joules", "minimise"),)
UNLIKE = [("b", "Xeon"), ("a", "EPYC"), ("c", "Xeon")]


def test_energies_of_unlike_machines_are_not_compared(toy_spec):
    with pytest.raises(StudyError, match=r"EPYC \(a\); Xeon \(b, c\); .*normalise: reference"):
        check_node_classes(toy_spec(objectives=JOULES), UNLIKE)


def test_other_objectives_and_normalised_energies_are(toy_spec):
    check_node_classes(toy_spec(), UNLIKE)
    check_node_classes(toy_spec(objectives=JOULES, energy=Energy(normalise="reference")), UNLIKE)
    check_node_classes(toy_spec(objectives=JOULES), [("a", "EPYC"), ("b", "EPYC")])


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_each_node_is_asked_for_its_class():
    from joulefront.energy.node_class import node_class

    ((_, kind),) = ask_nodes(node_class)
    assert kind == node_class()
