from __future__ import annotations

import inspect

from joulefront.energy.host import Host, NoHost
from joulefront.energy.ledger import Observed


def test_nobody_sees_nothing():
    host: Host = NoHost()
    assert host.observe(0) == Observed()
    assert host.closed(None) is None


def test_it_is_a_host():
    calls = {name for name, _ in inspect.getmembers(Host, inspect.isfunction) if name[0] != "_"}
    for name in calls:
        assert inspect.signature(getattr(Host, name)) == inspect.signature(getattr(NoHost, name))
