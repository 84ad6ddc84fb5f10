from __future__ import annotations

from joulefront.energy.host import Host
from joulefront.energy.ledger import Observed


def test_nobody_sees_nothing():
    assert Host().observe(0) == Observed()
    assert Host().closed(None) is None
