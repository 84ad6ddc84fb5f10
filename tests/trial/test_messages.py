from __future__ import annotations

import math

import pytest

from joulefront.trial.messages import (
    ChargeRow,
    Closing,
    Event,
    Report,
    add_charges,
    decode,
    encode,
    merge,
)


def row(joules: float, *, host: str = "a", component: str = "cpu") -> ChargeRow:
    return ChargeRow(
        host=host, device="cpu", component=component, joules=joules, provenance="modelled"
    )


def test_messages_survive_the_way_with_nan_and_infinity():
    report = Report(
        epoch=2,
        metrics={"accuracy": 0.5, "note": "x", "loss": math.inf, "ok": True},
        charges=(row(1.0),),
        events=(Event(kind="split", details={"train": ["s1"]}),),
    )
    assert decode(encode(report)) == report
    broken = decode(encode(Closing(state="failed", metrics={"loss": math.nan}, failure="why")))
    assert math.isnan(broken.metrics["loss"]) and broken.failure == "why"


def test_charges_of_the_same_place_add_up_and_others_stay_apart():
    rows = [row(1.0), row(2.0), row(4.0, host="b"), row(8.0, component="ram")]
    assert {(r.host, r.component): r.joules for r in add_charges(rows)} == {
        ("a", "cpu"): 3.0,
        ("b", "cpu"): 4.0,
        ("a", "ram"): 8.0,
    }


def test_a_group_is_charged_for_every_rank_and_speaks_with_rank_0s_words():
    merged = merge(
        [
            Closing(state="complete", metrics={"accuracy": 0.9}, charges=(row(1.0),)),
            Closing(
                state="complete", metrics={"accuracy": 0.1}, charges=(row(2.0),), quality="degraded"
            ),
        ]
    )
    assert merged.metrics == {"accuracy": 0.9} and merged.quality == "degraded"
    assert sum(r.joules for r in merged.charges) == pytest.approx(3.0)
