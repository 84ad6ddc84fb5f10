"""Whether all nodes of a cluster are of one class: joules of two classes are not comparable."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from joulefront.errors import StudyError
from joulefront.spec import StudySpec


def check_node_classes(spec: StudySpec, nodes: Iterable[tuple[str, str]]) -> None:
    """Refuse to compare energies of unlike machines.

    Args:
        spec: The study.
        nodes: Name and class of each node that may run trials.

    Raises:
        StudyError: If energy is an objective, is not normalised, and there are several classes.
    """
    hosts = defaultdict(set)
    for host, kind in nodes:
        hosts[kind].add(host)
    if len(hosts) > 1 and spec.about_energy and spec.energy.normalise == "none":
        found = (f"{kind} ({', '.join(sorted(hosts[kind]))})" for kind in sorted(hosts))
        raise StudyError(
            "all nodes of a cluster must be of one class where energy is an objective",
            given="; ".join(found),
            remedy="launch on nodes of one class, or set energy.normalise: reference",
        )
