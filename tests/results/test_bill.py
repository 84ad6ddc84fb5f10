from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.energy import Policy, attribute
from joulefront.results import Study
from joulefront.results.accounting import (
    ENERGY_COLUMNS,
    attempt_charges,
    carried_shares,
    latest_charges,
)
from joulefront.results.bill import bill_by_host, bill_over_hosts
from joulefront.store import StudyStore

ROWS = [
    *("front", "dominated", "early-stopped", "failed", "retried", "set-up"),
    *("search itself", "platform", "idle", "other", "residual", "total"),
]
STATES = ("complete", "pruned", "failed", "stopped", "running")
JOULES = st.floats(0.0, 1e6)


def trial(config: str, joules: float, accuracy: float = 0.5, **others) -> dict:
    return {
        "config": config,
        "balanced_accuracy": accuracy,
        "energy_joules": joules,
        "energy_cpu_joules": joules,
        **others,
    }


def charge(trial_id: str, attempt: int, component: str, joules: float, **others) -> dict:
    return {
        "trial_id": trial_id,
        "attempt": attempt,
        "component": component,
        "joules": joules,
        "provenance": "modelled",
        **others,
    }


SIX = [
    trial("c1", 20.0, 0.9),
    trial("c2", 30.0, 0.8),
    trial("c3", 4.0, state="pruned"),
    trial("c4", 6.0, state="failed"),
    trial("c5", 8.0, state="stopped"),
]
OF_SIX = [("c1-f0-s0", 1, 10.0, True), ("c2-f0-s0", 1, 15.0, True), ("c3-f0-s0", 1, 2.0, True)]
OF_SIX += [("c4-f0-s0", 1, 3.0, True), ("c5-f0-s0", 1, 4.0, False)]


def test_every_joule_of_a_host_has_its_row(make_study, make_ledger) -> None:
    ledger = make_ledger("h", OF_SIX, search=1.0, platform=2.0, other=3.0, unexplained=0.5)
    bill = make_study(SIX, ledger=ledger).bill()
    assert bill.index.tolist() == ROWS
    assert bill["cpu_joules"].to_dict() == pytest.approx(
        {
            "front": 20.0,
            "dominated": 30.0,
            "early-stopped": 4.0,
            "failed": 14.0,
            "retried": 0.0,
            "set-up": 0.0,
            "search itself": 2.0,
            "platform": 4.0,
            "idle": 20 * 4 * 0.5,
            "other": 6.0,
            "residual": 1.0,
            "total": 121.0,
        }
    )
    assert bill.loc["total", "ram_joules"] == 20 * 8 * 0.25
    assert bill.loc["front", "ram_joules"] == 20 * 0.25
    assert bill.loc["idle", "ram_joules"] == 20 * 3 * 0.25
    assert bill.loc["total", "total_joules"] == pytest.approx(161.0)
    assert bill.attrs["provenance"] == {"cpu": "modelled", "ram": "constant"}
    assert bill.attrs["units"]["cpu_joules"] == "J"


def test_a_killed_attempt_is_in_the_bill_as_the_ledger_knows_it(make_study, make_ledger) -> None:
    ledger = make_ledger("h", [("c1-f0-s0", 1, 7.0, False)])
    bill = make_study([trial("c1", 3.0, state="failed")], ledger=ledger).bill()
    assert bill.loc["failed", "cpu_joules"] == 14.0


def test_what_a_result_rests_on_is_no_retry(make_study) -> None:
    study = make_study(
        [
            trial("c1", 10.0, state="failed"),
            trial("c1", 9.0, attempt=2, energy_cpu_joules=13.0, energy_ram_joules=1.5),
        ],
        energy=[charge("c1-f0-s0", 1, "ram", 2.0), charge("c1-f0-s0", 2, "ram", 1.0)],
    )
    bill = study.bill()
    assert bill.loc["front"].tolist() == pytest.approx([13.0, 0.0, 1.5, 14.5])
    assert bill.loc["retried"].tolist() == pytest.approx([6.0, 0.0, 1.5, 7.5])


def test_set_up_is_that_of_all_attempts_by_device(make_study) -> None:
    study = make_study(
        [trial("c1", 5.0, attempt=2)],
        energy=[
            charge("c1-f0-s0", 1, "setup", 1.0, device="cpu"),
            charge("c1-f0-s0", 2, "setup", 2.0, device="GPU-1"),
            charge("c1-f0-s0", 2, "inference", 4.0, device="GPU-1"),
            charge("c1-f0-s0", 2, "idle", 100.0, device="cpu"),
        ],
    )
    assert study.bill().loc["set-up"].tolist() == [1.0, 6.0, 0.0, 7.0]


def test_a_study_without_a_ledger_knows_its_trials_only(make_study) -> None:
    bill = make_study(SIX).bill()
    assert bill.loc[:"set-up", "cpu_joules"].tolist() == [20.0, 30.0, 4.0, 14.0, 0.0, 0.0]
    assert bill.loc["search itself":].isna().all(axis=None)


def test_a_study_that_has_just_begun_has_a_bill(make_study) -> None:
    bill = make_study([]).bill()
    assert bill.index.tolist() == ROWS
    assert (bill.loc[:"set-up"] == 0.0).all(axis=None)
    assert math.isnan(bill.loc["total", "total_joules"])
    assert bill.attrs["provenance"] == {}


def test_running_is_a_row_while_a_trial_runs(make_study) -> None:
    study = make_study([trial("c1", 5.0, state="running"), trial("c2", 2.0)])
    assert study.bill().loc["running", "cpu_joules"] == 5.0


def test_hosts_have_bills_of_their_own(make_study, make_ledger) -> None:
    ledger = [
        *make_ledger("a", [("c1-f0-s0", 1, 10.0, True)], search=1.0),
        *make_ledger("b", [("c2-f0-s0", 1, 15.0, True)]),
    ]
    study = make_study(SIX[:2], ledger=ledger)
    by_host = study.bill(by="host")
    assert by_host.index.names == ["host", "account"]
    assert by_host.loc[("a", "front"), "cpu_joules"] == 20.0
    assert by_host.loc[("b", "front"), "cpu_joules"] == 0.0
    assert by_host.loc[("b", "dominated"), "cpu_joules"] == pytest.approx(30.0)
    totals = by_host.xs("total", level="account")["total_joules"]
    assert study.bill().loc["total", "total_joules"] == pytest.approx(totals.sum())
    assert study.hosts()["host"].tolist() == ["a", "b"]


def test_a_host_without_a_ledger_leaves_the_total_open(make_study, make_ledger) -> None:
    study = make_study(SIX[:2], ledger=make_ledger("a", [("c1-f0-s0", 1, 10.0, True)]))
    by_host = study.bill(by="host")
    assert by_host.loc[("a", "total"), "cpu_joules"] == pytest.approx(60.0)
    assert math.isnan(by_host.loc[("h", "total"), "cpu_joules"])
    bill = study.bill()
    assert bill.loc["dominated", "cpu_joules"] == 30.0
    assert math.isnan(bill.loc["total", "cpu_joules"])


def test_grams_follow_the_total(make_study, make_ledger) -> None:
    study = make_study(SIX, ledger=make_ledger("h", OF_SIX), section={"grams_per_kwh": 360.0})
    bill = study.bill()
    assert bill["emissions_grams"].tolist() == pytest.approx((bill["total_joules"] / 1e4).tolist())


def test_a_shared_gpu_is_told(make_study) -> None:
    shared = {"device": "GPU-1", "provenance": "counter", "shared": True}
    study = make_study([trial("c1", 5.0)], energy=[charge("c1-f0-s0", 1, "gpu", 3.0) | shared])
    assert study.bill().attrs["provenance"] == {"cpu": "modelled", "gpu": "counter (shared)"}


def test_a_step_of_the_wall_clock_changes_no_bill(make_study, make_ledger) -> None:
    ledger = make_ledger("h", OF_SIX, search=1.0)
    study = make_study(SIX)
    with StudyStore.open(study.path).writer() as writer:
        rows = [row.to_columns() | {"time": -float(i)} for i, row in enumerate(ledger)]
        writer.append("ledger", rows)
    expected = attribute(ledger, None, Policy()).hosts["h"].joules["total"]["cpu"]
    assert Study.open(study.path).bill().loc["total", "cpu_joules"] == expected


@st.composite
def studies(draw) -> tuple[pd.DataFrame, pd.DataFrame, list[tuple[str, list, dict]]]:
    """Trials, stored charges, and what each host's ledger knows; they need not agree."""
    trials, stored, ledgers = [], [], {"a": [], "b": []}
    for number in range(draw(st.integers(0, 6))):
        last = draw(st.integers(1, 3))
        state = draw(st.sampled_from(STATES))
        trials.append(
            {
                "trial_id": f"t{number}",
                "attempt": last,
                "state": state,
                "on_front": state == "complete" and draw(st.booleans()),
                "energy_cpu_joules": draw(JOULES | st.just(math.nan)),
                "energy_gpu_joules": draw(JOULES | st.just(math.nan)),
                "energy_ram_joules": draw(JOULES | st.just(math.nan)),
            }
        )
        for attempt in range(1, last + 1):
            host = draw(st.sampled_from("ab"))
            if draw(st.booleans()):
                cpu_seconds = draw(st.floats(0.0, 1e4))
                ledgers[host].append((f"t{number}", attempt, cpu_seconds, draw(st.booleans())))
            for device, component in [("cpu", "cpu"), ("G", "gpu"), ("ram", "ram"), ("G", "setup")]:
                row = (f"t{number}", attempt, host, device, component, draw(JOULES), "counter")
                stored.append((*row, draw(st.booleans())))
    spent = [{name: draw(st.floats(0.0, 1e4)) for name in ("search", "other")} for _ in "ab"]
    columns = ["trial_id", "attempt", "state", "on_front"]
    columns += ["energy_cpu_joules", "energy_gpu_joules", "energy_ram_joules"]
    return (
        pd.DataFrame(trials, columns=columns).astype({"on_front": bool}),
        latest_charges(pd.DataFrame(stored, columns=ENERGY_COLUMNS)),
        [(host, ledgers[host], more) for host, more in zip("ab", spent, strict=True)],
    )


@pytest.mark.slow
@settings(max_examples=40)
@given(studies())
def test_a_bill_sums_to_what_the_hosts_spent(make_ledger, case) -> None:
    trials, energy, ledgers = case
    rows = [row for host, known, spent in ledgers for row in make_ledger(host, known, **spent)]
    attribution = attribute(rows, None, Policy())
    charges = attempt_charges(energy, attribution)
    carried = carried_shares(energy, trials)
    bills = bill_by_host(charges, trials, carried, attribution.hosts)
    for host, bill in bills.items():
        expected = [attribution.hosts[host].joules["total"][n] for n in ("cpu", "gpu", "ram")]
        assert bill.loc["total"].tolist()[:3] == expected
        assert_sums(bill)
    whole = bill_over_hosts(bills)
    assert_sums(whole)
    known = charges.loc[charges["component"] != "idle", "joules"].sum()
    of_trials = whole.loc[:"set-up", "total_joules"]
    assert of_trials.sum() == pytest.approx(known)
    assert (of_trials >= 0.0).all()


def assert_sums(bill: pd.DataFrame) -> None:
    scale = bill.abs().sum().sum()
    assert bill.drop(index="total").sum().tolist() == pytest.approx(
        bill.loc["total"].tolist(), rel=1e-12, abs=1e-12 * scale
    )
