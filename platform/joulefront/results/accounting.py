"""What each attempt spent and how it was measured: from the store's `energy` rows and the ledger.

Spent = the dynamic energy of every attempt of every trial (`cpu` and `gpu`, and `setup` and
`inference`, which lie outside the training windows), failed, stopped and retried ones too. RAM and
idle shares are rows of their own and stay out of it, as they stay out of every objective.
"""

from __future__ import annotations

import pandas as pd

from joulefront.energy import Attribution

COMPONENTS = ["cpu", "gpu", "ram"]  # that an attempt can be charged of its window
SHARED = " (shared)"
_OBJECTIVE_COMPONENTS = ("cpu", "gpu")
_SPENT_COMPONENTS = (*_OBJECTIVE_COMPONENTS, "setup", "inference")
_KEYS = ["trial_id", "attempt", "host", "device", "component", "provenance"]
ENERGY_COLUMNS = [*_KEYS[:-1], "joules", "provenance", "shared"]


def latest_charges(energy: pd.DataFrame) -> pd.DataFrame:
    """One row an attempt, host, device, component and provenance: the one written last.

    A charge may be in the store twice after a crash between a write and its acknowledgement.
    """
    latest = energy.drop_duplicates(_KEYS, keep="last")[ENERGY_COLUMNS].reset_index(drop=True)
    return latest.assign(shared=latest["shared"].eq(True))


def attempt_charges(energy: pd.DataFrame, attribution: Attribution) -> pd.DataFrame:
    """What each attempt spent: `ENERGY_COLUMNS`, of the ledger where it knows the attempt.

    The ledger knows those too that were killed. Both count the same counters, so of an attempt
    that closed they say the same.
    """
    told = [
        (*key, host, c.device, c.component, c.joules, c.provenance, c.shared)
        for key, attempt in attribution.attempts.items()
        for host, c in attempt.charges
    ]
    stored = energy[ENERGY_COLUMNS].itertuples(index=False, name=None)
    told += [row for row in stored if row[:2] not in attribution.attempts]
    charges = pd.DataFrame(told, columns=ENERGY_COLUMNS)
    return charges.astype({"attempt": int, "joules": float, "shared": bool})


def is_replaced(charges: pd.DataFrame, trials: pd.DataFrame) -> pd.Series[bool]:
    """Which charges are of an attempt that a later one of its trial has replaced."""
    last = charges["trial_id"].map(trials.set_index("trial_id")["attempt"])
    return charges["attempt"] < last.astype(float)


def carried_shares(energy: pd.DataFrame, trials: pd.DataFrame) -> pd.DataFrame:
    """Share of its replaced attempts that each trial went on from; columns are `COMPONENTS`.

    That is what it was charged beyond its last attempt; several replaced ones have the same share.
    A trial of one attempt has no row.
    """
    replaced = is_replaced(energy, trials)
    earlier = _sums(energy[replaced])
    last = _sums(energy[~replaced]).reindex(earlier.index).fillna(0.0)
    columns = [f"energy_{component}_joules" for component in COMPONENTS]
    charged = trials.set_index("trial_id")[columns].set_axis(COMPONENTS, axis="columns")
    beyond = charged.reindex(earlier.index).astype(float) - last
    return (beyond / earlier.where(earlier > 0)).clip(0.0, 1.0).fillna(0.0)


def _sums(energy: pd.DataFrame) -> pd.DataFrame:
    sums = energy.pivot_table(index="trial_id", columns="component", values="joules", aggfunc="sum")
    return sums.reindex(columns=COMPONENTS).astype(float)


def provenances(charges: pd.DataFrame) -> pd.Series[str]:
    """How each charge came about, such as "modelled" or "counter (shared)"."""
    marks = charges["shared"].map({True: SHARED, False: ""})
    return charges["provenance"] + marks


def spent_by_trial(energy: pd.DataFrame) -> pd.Series[float]:
    """Joules spent on each trial over all its attempts, by trial id."""
    spent = energy[energy["component"].isin(_SPENT_COMPONENTS)]
    return spent.groupby("trial_id")["joules"].sum()


def signatures(energy: pd.DataFrame) -> pd.Series[str]:
    """How the objective energy of each trial was measured, such as "cpu=modelled, gpu=counter".

    Several provenances of one component are joined by "+". A trial without charges has no row.
    """
    charged = energy[energy["component"].isin(_OBJECTIVE_COMPONENTS)]
    charged = charged.assign(provenance=provenances(charged))
    parts = charged.groupby(["trial_id", "component"])["provenance"].agg(
        lambda values: "+".join(sorted(set(values)))
    )
    named = parts.index.get_level_values("component") + "=" + parts
    return named.groupby(level="trial_id").agg(", ".join)
