"""Fronts, hypervolume and how sure they are: pure functions on arrays, minimised throughout."""

from __future__ import annotations

from joulefront.front.attainment import attainment_surfaces
from joulefront.front.contributions import hypervolume_contributions
from joulefront.front.domination import non_dominated
from joulefront.front.estimates import Estimates, estimate
from joulefront.front.hypervolume import hypervolume, hypervolume_history
from joulefront.front.knees import KNEES
from joulefront.front.membership import membership_probability
from joulefront.front.ranking import crowding_distances, non_dominated_ranks
from joulefront.front.reference import reference_point
from joulefront.front.reported import reported_members

__all__ = [
    "KNEES",
    "Estimates",
    "attainment_surfaces",
    "crowding_distances",
    "estimate",
    "hypervolume",
    "hypervolume_contributions",
    "hypervolume_history",
    "membership_probability",
    "non_dominated",
    "non_dominated_ranks",
    "reference_point",
    "reported_members",
]
