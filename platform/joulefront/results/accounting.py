"""Joules spent, by trial, and how they were measured: sums over the store's `energy` rows.

Spent = the dynamic energy of every attempt of every trial (`cpu`, `gpu`, and `setup`, which lies
outside the energy windows), failed, stopped and retried ones too. RAM and idle shares are rows of
their own and stay out of it, as they stay out of every objective.
"""

from __future__ import annotations

import pandas as pd

_OBJECTIVE_COMPONENTS = ("cpu", "gpu")
_SPENT_COMPONENTS = (*_OBJECTIVE_COMPONENTS, "setup")
ENERGY_COLUMNS = ["trial_id", "attempt", "host", "device", "component", "joules", "provenance"]


def latest_charges(energy: pd.DataFrame) -> pd.DataFrame:
    """One row an attempt, host, device, component and provenance: the one written last.

    A charge may be in the store twice after a crash between a write and its acknowledgement.
    """
    keys = [column for column in ENERGY_COLUMNS if column != "joules"]
    return energy.drop_duplicates(keys, keep="last")[ENERGY_COLUMNS].reset_index(drop=True)


def spent_by_trial(energy: pd.DataFrame) -> pd.Series[float]:
    """Joules spent on each trial over all its attempts, by trial id."""
    spent = energy[energy["component"].isin(_SPENT_COMPONENTS)]
    return spent.groupby("trial_id")["joules"].sum()


def signatures(energy: pd.DataFrame) -> pd.Series[str]:
    """How the objective energy of each trial was measured, such as "cpu=modelled, gpu=counter".

    Several provenances of one component are joined by "+". A trial without charges has no row.
    """
    charged = energy[energy["component"].isin(_OBJECTIVE_COMPONENTS)]
    parts = charged.groupby(["trial_id", "component"])["provenance"].agg(
        lambda values: "+".join(sorted(set(values)))
    )
    named = parts.index.get_level_values("component") + "=" + parts
    return named.groupby(level="trial_id").agg(", ".join)
