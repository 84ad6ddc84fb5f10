from __future__ import annotations

import pytest

from joulefront.results import Study, bill_table

ATTEMPTS = [("c1-f0-s0", 1, 1000.0, True), ("c2-f0-s0", 1, 500.0, True)]
TRIALS = [
    {"config": "c1", "balanced_accuracy": 0.9, "energy_joules": 2000.0},
    {"config": "c2", "balanced_accuracy": 0.8, "energy_joules": 1000.0},
]


@pytest.mark.parametrize("attempts", [ATTEMPTS, []])
def test_no_line_is_wider_than_asked(make_study, make_ledger, attempts) -> None:
    ledger = make_ledger("h", attempts, search=0.001, unexplained=123456.0)
    study = make_study(TRIALS, ledger=ledger, section={"grams_per_kwh": 502.0})
    for width in (80, 40):
        assert max(map(len, bill_table(study, width).splitlines())) <= width


def test_a_bill_has_units_shares_grams_and_provenance(make_study, make_ledger) -> None:
    ledger = make_ledger("node-1", ATTEMPTS, platform=250.0)
    study = make_study(TRIALS, ledger=ledger, section={"grams_per_kwh": 502.0})
    lines = bill_table(study).splitlines()
    assert lines[0] == "small: 0.9944 Wh (3580 J); metered on node-1 (20 s)"
    titles = [*("cpu", "(J)", "gpu", "(J)", "ram", "(J)", "total", "(J)"), "share", "g", "CO2e"]
    assert lines[2].split() == titles
    assert [len(line.split()) for line in lines[3:14]] == [7, 7, 7, 7, 7, 7, 8, 7, 7, 7, 7]
    assert lines[9].split()[:3] == ["search", "itself", "0"]
    assert lines[10].split() == ["platform", "500", "0", "0", "500", "14.0%", "0.0697"]
    assert lines[-2] == "emissions: 0.499 g CO2e at 502 g/kWh (given in the study file)"
    assert lines[-1] == "provenance: cpu=modelled, ram=constant"


def test_large_bills_are_in_watt_hours(make_study, make_ledger) -> None:
    study = make_study(TRIALS, ledger=make_ledger("h", ATTEMPTS, unexplained=18e3))
    assert "total (Wh)" in bill_table(study)


def test_what_was_not_measured_is_told(sweep: Study, make_study) -> None:
    lines = bill_table(sweep).splitlines()
    assert lines[0] == "small: no meter kept a ledger, so only the trials' own energy is known"
    assert lines[-3].split() == ["total", "-", "-", "-", "-", "-"]
    assert "emissions" not in "".join(lines)


def test_a_host_without_a_meter_is_told(make_study, make_ledger) -> None:
    study = make_study(TRIALS, ledger=make_ledger("node-1", ATTEMPTS[:1]))
    assert "small: a part of it on other hosts is not known; metered on" in bill_table(study)
