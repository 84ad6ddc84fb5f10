from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from joulefront.results import Study, write_front_page


class Loads(HTMLParser):
    """Collects what a browser would fetch, the ids, and the scripts' text."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.fetched += [str(values[key]) for key in ("src", "href") if values.get(key)]
        if values.get("id"):
            self.ids.append(str(values["id"]))


def without_scripts(page: str) -> str:
    return re.sub(r"<script.*?</script>", "", page, flags=re.DOTALL)


@pytest.fixture
def page(sweep: Study, tmp_path: Path) -> str:
    write_front_page(sweep, tmp_path / "front.html")
    return (tmp_path / "front.html").read_text(encoding="utf-8")


def test_the_page_fetches_nothing(page: str) -> None:
    parser = Loads()
    parser.feed(page)
    assert parser.fetched == []


def test_the_page_has_its_anchors_and_both_plots(page: str) -> None:
    parser = Loads()
    parser.feed(without_scripts(page))
    assert parser.ids == [
        "summary",
        "front",
        "plot-front",
        "members",
        "hypervolume",
        "plot-hypervolume",
    ]
    assert page.count("Plotly.newPlot(") >= 2


def test_the_page_lists_the_members_with_units(page: str) -> None:
    text = without_scripts(page)
    assert "<th>energy (Wh)</th>" in text
    assert "<td>c1</td>" in text
    assert "<td>c3</td>" not in text


def test_what_a_study_says_is_escaped(make_study, tmp_path: Path) -> None:
    nasty = "</script><script>alert(1)</script>"
    study = make_study(
        [{"config": "c1", "balanced_accuracy": 0.5, "energy_joules": 1.0, "params": {"m": nasty}}],
        space={"m": {"choice": [nasty, "b"]}},
        events=[{"kind": "baselines", "details": {"rows": [{"name": nasty}]}}],
    )
    write_front_page(study, tmp_path / "front.html")
    page = (tmp_path / "front.html").read_text(encoding="utf-8")
    assert nasty not in page
    assert 'id="baselines"' in page


def test_no_other_file_is_left(sweep: Study, tmp_path: Path) -> None:
    write_front_page(sweep, tmp_path / "front.html")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["front.html", "small"]
