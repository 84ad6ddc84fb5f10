from __future__ import annotations

import json
import math

import pytest

from joulefront.bench.energy import run
from joulefront.bench.energy.figures import FIGURES


@pytest.mark.ray
@pytest.mark.slow
def test_a_short_run_observes_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_SECONDS", "_REFERENCE_SECONDS", "_TURN_SECONDS"):
        monkeypatch.setattr(run, name, 0.4)
    for name in ("_SOLO_SECONDS", "_CROWD_SECONDS"):
        monkeypatch.setattr(run, name, 3.0)
    for name in ("_ROUNDS", "_FEWER_ROUNDS", "_TURNS"):
        monkeypatch.setattr(run, name, 2)
    result = run.run()
    assert result.figures.keys() == {figure.key for figure in FIGURES}
    assert all(math.isfinite(value) for value in result.figures.values())
    json.dumps(result.to_dict(), allow_nan=False)
