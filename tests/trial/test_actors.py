from __future__ import annotations

from typing import Any

from joulefront.trial.actors import actors_of

METER = 99


def entry(
    pid: int, port: int, owner: int, *, ip: str = "a", owner_ip: str = "a", state: str = "ALIVE"
) -> dict[str, Any]:
    """An actor as Ray's table has it."""
    return {
        "Pid": pid,
        "State": state,
        "ActorClassName": "Actor",
        "IsDetached": False,
        "Address": {"IPAddress": ip, "Port": port, "NodeID": ip},
        "OwnerAddress": {"IPAddress": owner_ip, "Port": owner, "NodeID": owner_ip},
    }


def found(table: list[dict[str, Any]], pid: int) -> tuple[list[int], int]:
    actors = actors_of(table, pid, "a", never=METER)
    return sorted(actors.pids), actors.elsewhere


def test_actors_and_those_that_they_created_are_found() -> None:
    table = [entry(12, 102, 101), entry(10, 100, 1), entry(11, 101, 100), entry(20, 200, 1)]
    assert found(table, 10) == ([11, 12], 0)
    assert found(table, 11) == ([12], 0)
    assert found(table, 20) == ([], 0)


def test_a_process_that_is_no_actor_owns_nothing() -> None:
    assert found([entry(10, 100, 1)], 1) == ([], 0)


def test_the_dead_and_the_meter_are_nobodys() -> None:
    table = [entry(10, 100, 1), entry(11, 101, 100, state="DEAD"), entry(METER, 102, 100)]
    assert found(table, 10) == ([], 0)


def test_actors_on_other_hosts_are_counted_and_their_children_here_found() -> None:
    table = [
        entry(10, 100, 1),
        entry(11, 100, 100, ip="b"),  # the same port, another host
        entry(12, 102, 100, owner_ip="b"),
        entry(10, 300, 301, ip="b", owner_ip="b"),  # the same pid, another host
        entry(13, 103, 300, owner_ip="b"),
    ]
    assert found(table, 10) == ([12], 1)
