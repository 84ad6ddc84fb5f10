from __future__ import annotations

import dataclasses
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


def row(joules: float, *, host: str = "a", component: str = "cpu", **marks: bool) -> ChargeRow:
    return ChargeRow(
        host=host,
        device="cpu",
        component=component,
        joules=joules,
        provenance="modelled",
        **marks,
    )


def test_messages_survive_the_way_with_nan_and_infinity():
    report = Report(
        epoch=2,
        metrics={"accuracy": 0.5, "note": "x", "loss": math.inf, "ok": True},
        charges=(row(1.0),),
        events=(Event(kind="split", details={"train": ["s1"]}),),
    )
    assert decode(encode(report)) == report
    closing = Closing(state="complete", quality_reasons=("steal 3%",), node_class="EPYC")
    assert decode(encode(closing)) == closing
    broken = decode(encode(Closing(state="failed", metrics={"loss": math.nan}, failure="why")))
    assert math.isnan(broken.metrics["loss"]) and broken.failure == "why"


def test_charges_of_the_same_place_add_up_and_others_stay_apart():
    rows = [row(1.0), row(2.0), row(4.0, host="b"), row(8.0, component="ram")]
    assert {(r.host, r.component): r.joules for r in add_charges(rows)} == {
        ("a", "cpu"): 3.0,
        ("b", "cpu"): 4.0,
        ("a", "ram"): 8.0,
    }


def test_a_charge_that_is_known_in_part_marks_the_sum():
    (both,) = add_charges([row(1.0, shared=True), row(2.0, known=False)])
    assert both == row(3.0, shared=True, known=False)


def test_a_group_is_charged_for_every_rank_and_speaks_with_rank_0s_words():
    ranks = [
        Closing(
            state="complete",
            metrics={"accuracy": accuracy},
            charges=(row(joules),),
            quality_reasons=reasons,
            foreign_cpu_share=share,
            inference_energy_joules_per_sample=cost,
        )
        for accuracy, joules, reasons, share, cost in [
            (0.9, 1.0, ("oversubscribed",), 0.1, 2.0),
            (0.1, 2.0, ("steal 3%", "oversubscribed"), 0.3, 4.0),
        ]
    ]
    merged = merge(ranks)
    assert merged.metrics == {"accuracy": 0.9} and merged.quality == "degraded"
    assert merged.quality_reasons == ("oversubscribed", "steal 3%")
    assert merged.foreign_cpu_share == 0.3
    assert merged.inference_energy_joules_per_sample == pytest.approx(3.0)
    assert sum(r.joules for r in merged.charges) == pytest.approx(3.0)


def test_a_group_without_flaws_is_good():
    merged = merge([Closing(state="complete"), Closing(state="complete")])
    assert merged.quality == "good" and merged.inference_energy_joules_per_sample is None


def test_a_group_moves_when_any_rank_has_notice_and_there_is_a_checkpoint():
    ranks = [
        Report(epoch=1, metrics={}, checkpoint="c", preempted=False),
        Report(epoch=1, metrics={}, preempted=True),
    ]
    assert merge(ranks).moves and not any(rank.moves for rank in ranks)
    assert decode(encode(merge(ranks))).moves
    assert not merge([dataclasses.replace(ranks[0], checkpoint=None), ranks[1]]).moves
