from __future__ import annotations

import pytest

from joulefront.results import Study, summarise, write_front_page
from joulefront.results.summary import degraded_note, headlines


def trials(degraded: int, good: int) -> list[dict]:
    reasons = ["run queue 12%, steal 3%", "run queue 40%", "coverage of no time"]
    row = {"balanced_accuracy": 0.5, "energy_joules": 5.0, "quality": "good"}
    return [
        row
        | {"config": f"c{n}"}
        | ({"quality": "degraded", "quality_reasons": reasons[n % 3]} if n < degraded else {})
        for n in range(degraded + good)
    ]


def test_many_degraded_trials_are_told_with_their_reasons(make_study) -> None:
    sentence = headlines(make_study(trials(degraded=3, good=11)))[-1]
    assert sentence == (
        "energy of 3 of 14 complete trials is degraded: run queue 2, steal 1, coverage 1"
    )


@pytest.mark.parametrize(("degraded", "good"), [(2, 8), (0, 0)])
def test_up_to_a_fifth_is_not_told(make_study, degraded: int, good: int) -> None:
    assert "degraded" not in " ".join(headlines(make_study(trials(degraded, good))))


def test_marked_members_have_a_note_by_reason(make_study) -> None:
    front = make_study(trials(degraded=2, good=1)).front()
    assert degraded_note(front) == "* energy is degraded: run queue (c0, c1); steal (c0)"
    assert degraded_note(front.iloc[2:]) == ""


def test_the_page_marks_degraded_members(make_study, tmp_path) -> None:
    study = make_study(trials(degraded=1, good=1))
    write_front_page(study, tmp_path / "front.html")
    page = (tmp_path / "front.html").read_text(encoding="utf-8")
    assert "<td>c0*</td>" in page
    assert "<td>c1</td>" in page
    assert "<p>* energy is degraded: run queue (c0); steal (c0)</p>" in page


def test_the_search_is_told_apart_where_a_ledger_knows_it(make_study, make_ledger) -> None:
    ledger = make_ledger("h", [("c0-f0-s0", 1, 2.5, True)], search=3.0)
    study = make_study(trials(degraded=0, good=1), ledger=ledger)
    assert summarise(study).energy_joules == 5.0
    assert summarise(study).search_joules == pytest.approx(6.0)
    assert "and 0.001667 Wh (6 J) by the search itself; provenance" in headlines(study)[3]


def test_without_a_ledger_the_search_is_not_told(sweep: Study) -> None:
    assert summarise(sweep).search_joules is None
    assert "the search itself" not in " ".join(headlines(sweep))
