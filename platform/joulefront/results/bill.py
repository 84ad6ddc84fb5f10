"""What a study spent, by what it was spent on: the study's own bill. Pure functions on frames.

    front          complete trials that measure a member: the last attempt, and of earlier ones
                   the part that it went on from
    dominated      all other complete trials, those that do not compete too
    early-stopped  trials that a rule ended
    failed         the last attempts of trials that failed or were stopped
    running        the same of trials that have not ended
    retried        attempts that a later one replaced, beyond what that went on from
    set-up         CPU and GPU of all attempts outside their training windows, inference probes too
    search itself  the process that proposes, records and draws
    platform       Ray, the meters, and the trials' processes between attempts
    idle           idle power × cores × time; GPUs and memory while no trial had them
    other          all other processes of the hosts
    residual       the total less all of the above: what no account explains, never spread
    total          what the hosts spent while the study ran

The rows down to "set-up" are the attempts' own charges. The others are the hosts' accounts by their
ledgers, and NaN for a host that has none.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from functools import reduce

import pandas as pd

from joulefront.energy import HostBill
from joulefront.results.accounting import COMPONENTS, is_replaced, provenances

_BY_STATE = {
    "complete": "dominated",
    "pruned": "early-stopped",
    "failed": "failed",
    "stopped": "failed",
    "running": "running",
}
_TRIAL_ROWS = (*dict.fromkeys(["front", *_BY_STATE.values()]), "retried", "set-up")
_HOST_ROWS = {"search itself": "search", "platform": "platform", "idle": "idle", "other": "other"}


def bill_by_host(
    charges: pd.DataFrame,
    trials: pd.DataFrame,
    carried: pd.DataFrame,
    hosts: Mapping[str, HostBill],
) -> dict[str, pd.DataFrame]:
    """Make the bill of each host.

    Args:
        charges: Of all attempts, as `accounting.attempt_charges` returns them.
        trials: One row a trial, with `on_front` and its last `attempt`.
        carried: What a result rests on of replaced attempts: `accounting.carried_shares`.
        hosts: The hosts' accounts, as far as there are ledgers.

    Returns:
        By host, a frame of `cpu_joules`, `gpu_joules`, `ram_joules` and `total_joules`, indexed by
        the rows above. A study that has spent nothing has the host "unknown".
    """
    spent = _by_row(_by_column(charges), trials, carried)
    bills = {}
    for host in sorted({*spent["host"], *hosts} or {"unknown"}):
        of_host = spent[spent["host"] == host]
        sums = of_host.pivot_table(index="row", columns="column", values="joules", aggfunc="sum")
        bills[host] = _host_bill(sums, hosts.get(host))
    return bills


def bill_over_hosts(bills: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Add up the bills of all hosts; what one of them does not know is NaN."""
    return reduce(operator.add, bills.values())


def bill_provenance(charges: pd.DataFrame, hosts: Mapping[str, HostBill]) -> dict[str, str]:
    """How the joules of trials and hosts came about, by "cpu", "gpu" and "ram".

    Several are joined by "+". What spent nothing is left out.
    """
    spent = _by_column(charges)
    spent = spent[spent["joules"] > 0]
    found = {name: set(provenances(part)) for name, part in spent.groupby("column")}
    for bill in hosts.values():
        for name, provenance in bill.provenance.items():
            if bill.joules["total"][name]:
                found.setdefault(name, set()).add(provenance)
    return {name: "+".join(sorted(found[name])) for name in COMPONENTS if name in found}


def _by_column(charges: pd.DataFrame) -> pd.DataFrame:
    """The charges with the `column` of the bill each belongs to; idle shares are the hosts'."""
    charges = charges[charges["component"] != "idle"]
    device = charges["device"].map({"cpu": "cpu", "host": "cpu"}).fillna("gpu")
    own = charges["component"].isin(COMPONENTS)
    return charges.assign(column=charges["component"].where(own, device))


def _by_row(charges: pd.DataFrame, trials: pd.DataFrame, carried: pd.DataFrame) -> pd.DataFrame:
    """The charges with the `row` of the bill each belongs to; replaced attempts are split."""
    known = trials.set_index("trial_id")
    ends = known["state"].map(_BY_STATE).mask(known["on_front"].astype(bool), "front")
    row = charges["trial_id"].map(ends).fillna("running")
    row = row.where(charges["component"].isin(COMPONENTS), "set-up")
    shares = pd.Series(0.0, charges.index)
    for component, of_trials in carried.items():
        of_charges = charges["trial_id"].map(of_trials).fillna(0.0)
        shares = shares.mask(charges["column"] == component, of_charges)
    shares = shares.where(is_replaced(charges, trials) & (row != "set-up"), 1.0)
    kept = charges["joules"] * shares
    retried = charges.assign(row="retried", joules=charges["joules"] - kept)
    return pd.concat([charges.assign(row=row, joules=kept), retried])


def _host_bill(spent: pd.DataFrame, bill: HostBill | None) -> pd.DataFrame:
    frame = spent.reindex(index=_TRIAL_ROWS, columns=COMPONENTS).fillna(0.0).astype(float)
    for row, account in (*_HOST_ROWS.items(), ("residual", None), ("total", "total")):
        known = bill.joules[account] if bill and account else {}
        frame.loc[row] = [known.get(name, math.nan) for name in COMPONENTS]
    explained = frame.drop(index=["residual", "total"])
    frame.loc["residual"] = frame.loc["total"] - explained.sum(skipna=False)
    frame = frame.add_suffix("_joules").rename_axis(index="account", columns=None)
    return frame.assign(total_joules=frame.sum(axis="columns", skipna=False))
