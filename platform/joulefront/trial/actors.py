"""Which Ray actors a process has created, and those have, by Ray's table of actors. No Ray here.

An actor is a child of a raylet and never of the process that asked for it, so the table is the
only one to tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from joulefront.energy.host_meter import ActorsOf

_Address = tuple[str, int]  # IP address and port of a worker: no two live ones share it


def actors_of(table: Iterable[Mapping[str, Any]], pid: int, ip: str, *, never: int) -> ActorsOf:
    """Return the live actors that a process has created.

    Args:
        table: Entries as Ray has them: Pid, State, Address and OwnerAddress.
        pid: Of the process; one that is no actor itself owns nothing here.
        ip: Address of its host, as Ray has it.
        never: A process that is nobody's actor: the meter itself.
    """
    actors = {
        _address(entry["Address"]): (entry["Pid"], _address(entry["OwnerAddress"]))
        for entry in table
        if entry["State"] == "ALIVE" and entry["Pid"] != never
    }
    roots = [address for address, (own, _) in actors.items() if (own, address[0]) == (pid, ip)]
    family = dict.fromkeys(roots)
    for parent in (queue := [*roots]):
        children = [a for a, (_, owner) in actors.items() if owner == parent and a not in family]
        family |= dict.fromkeys(children)
        queue += children
    found = [address for address in family if address not in roots]
    here = frozenset(actors[address][0] for address in found if address[0] == ip)
    return ActorsOf(pids=here, elsewhere=sum(address[0] != ip for address in found))


def _address(entry: Mapping[str, Any]) -> _Address:
    return entry["IPAddress"], entry["Port"]
