"""From a ledger to the bill: what each attempt cost, and what the hosts spent on everything else.

A pure function of recorded counters: the same ledger gives the same bytes on any machine. A trial
is charged its own counters, never a share of the host's power. What no account explains is
"residual", reported and never spread over trials.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from joulefront.energy.charges import Charge, charge_attempt
from joulefront.energy.host_bill import HostBill, host_bill
from joulefront.energy.ledger import Row, boots
from joulefront.energy.power import PowerModel
from joulefront.energy.quality import Policy, degradations
from joulefront.energy.replay import Process, processes


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptCharge:
    """What one attempt of a trial cost.

    Attributes:
        charges: (host, charge) of each component and device of each of its processes.
        complete: Every process has closed; otherwise what is known up to the last sample.
        degradations: What makes it untrustworthy; nothing, if it is good.
    """

    charges: tuple[tuple[str, Charge], ...]
    complete: bool
    degradations: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Attribution:
    """The bill of a study.

    Attributes:
        attempts: By (trial id, attempt).
        hosts: By name.
    """

    attempts: Mapping[tuple[str, int], AttemptCharge]
    hosts: Mapping[str, HostBill]


def attribute(ledger: Sequence[Row], power_model: PowerModel | None, policy: Policy) -> Attribution:
    """Charge everything that a ledger tells of.

    Args:
        ledger: Rows of one study, as its store orders them. A host that never said who it is has
            no bill and charges nothing.
        power_model: Of all hosts; None takes the one that each host has written down.
        policy: From where on a charge is degraded.
    """
    by_host: dict[str, list[Row]] = defaultdict(list)
    for row in ledger:
        by_host[row.host].append(row)
    hosts: dict[str, HostBill] = {}
    attempts: dict[tuple[str, int], list[tuple[str, Process, tuple[Charge, ...]]]] = {}
    for host in sorted(by_host):
        rows = _in_order(by_host[host])
        facts = [row.details for row in rows if row.kind == "host"]
        if not facts:
            continue
        model = power_model or PowerModel.from_dict(facts[-1]["power_model"])
        charged = [(process, _charges(process, model)) for process in processes(rows)]
        hosts[host] = host_bill(rows, model, [c for _, charges in charged for c in charges])
        for process, charges in charged:
            key = (process.registration.trial_id, process.registration.attempt)
            attempts.setdefault(key, []).append((host, process, charges))
    return Attribution(
        attempts={key: _attempt(parts, policy) for key, parts in sorted(attempts.items())},
        hosts=hosts,
    )


def _in_order(rows: Sequence[Row]) -> list[Row]:
    """Sort the rows of a host by its monotonic clock, which begins anew with each boot.

    The store orders by the wall clock, and that may have been set back meanwhile.
    """
    boot_of = boots(rows)
    order = list(dict.fromkeys(boot_of.values()))
    known = [row for row in rows if row.meter in boot_of]
    return sorted(known, key=lambda row: (order.index(boot_of[row.meter]), row.monotonic_ns))


def _charges(process: Process, model: PowerModel) -> tuple[Charge, ...]:
    windows = process.windows
    return charge_attempt(process.call, windows["training"], windows["inference"], model)


def _attempt(
    parts: Sequence[tuple[str, Process, tuple[Charge, ...]]], policy: Policy
) -> AttemptCharge:
    found = {
        text: None
        for _, process, _ in parts
        for text in degradations(
            process.measured, policy, oversubscribed=process.registration.oversubscribed
        )
    }
    return AttemptCharge(
        charges=tuple((host, charge) for host, _, charges in parts for charge in charges),
        complete=all(process.closed for _, process, _ in parts),
        degradations=tuple(found),
    )
