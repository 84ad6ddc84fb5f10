from __future__ import annotations

import json

import pytest

pytest.importorskip("ray.tune.search.optuna")

from joulefront.bench.search import idle, run
from joulefront.testing.families import FAMILIES


def test_the_whole_campaign_is_longer() -> None:
    short, full = run._jobs(False), run._jobs(True)
    assert len(full) > 2 * len(short)
    races = [arguments for name, arguments in short if name == "race"]
    analytic = [arguments for arguments in races if arguments["family"]]
    assert len(analytic) >= 10 and {arguments["family"] for arguments in analytic} == set(FAMILIES)
    assert len(races) - len(analytic) >= 10


@pytest.mark.slow
def test_a_small_campaign_gives_every_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_INSTANCES", 1)
    monkeypatch.setattr(run, "_REPLAYS", 1)
    monkeypatch.setattr(run, "_DRIVER_TRIALS", 40)
    measured = idle.Idle(rows=[{"what": "gp"}], share=0.01, mutant_share=0.5)
    monkeypatch.setattr(idle, "measure", lambda: measured)
    result = run.run()
    assert all(value == value for value in result.figures.values()), result.table
    assert json.loads(json.dumps(result.to_dict()))["figures"] == dict(result.figures)
    assert "joules_to_peer_recorded" in result.table
