"""One row a trial, against the rules read slowly."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from joulefront.store import StudyStore, fold_trials


def _fold(store: StudyStore, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    with store.writer() as writer:
        for time, row in enumerate(rows):
            writer.append("trials", [{"time": float(time), "attempt": 0, **row}])
    folded: list[dict[str, Any]] = fold_trials(store.read("trials")).to_pylist()
    return folded


def test_no_rows(store: StudyStore) -> None:
    assert _fold(store) == []


def test_an_end_completes_its_start(store: StudyStore) -> None:
    (row,) = _fold(
        store,
        {"trial_id": "a", "kind": "start", "params.x": 3, "size": 1, "host": "h"},
        {"trial_id": "a", "kind": "end", "state": "complete", "loss": 0.5, "energy_joules": 2.0},
    )
    assert (row["params.x"], row["size"], row["host"]) == (3, 1, "h")
    assert (row["state"], row["loss"], row["energy_joules"], row["time"]) == ("complete", 0.5, 2, 1)


def test_a_start_without_an_end_is_running(store: StudyStore) -> None:
    (row,) = _fold(store, {"trial_id": "a", "kind": "start", "state": "complete"})
    assert (row["state"], row["attempt"], row["time"]) == ("running", 0, 0.0)


def test_an_end_without_a_start_counts(store: StudyStore) -> None:
    (row,) = _fold(store, {"trial_id": "a", "kind": "end", "state": "failed", "failure": "x"})
    assert (row["state"], row["failure"]) == ("failed", "x")


def test_the_first_end_counts(store: StudyStore) -> None:
    (row,) = _fold(
        store,
        {"trial_id": "a", "kind": "start"},
        {"trial_id": "a", "kind": "end", "state": "complete", "energy_joules": 1.0},
        {"trial_id": "a", "kind": "end", "state": "failed", "energy_joules": 9.0, "loss": 3.0},
    )
    assert (row["state"], row["energy_joules"], row["loss"]) == ("complete", 1.0, None)


def test_a_retry_replaces_what_it_retried(store: StudyStore) -> None:
    ended = {"trial_id": "a", "kind": "end", "attempt": 0, "state": "failed", "failure": "killed"}
    again = {"trial_id": "a", "kind": "start", "attempt": 1, "params.x": 1}
    late = {"trial_id": "a", "kind": "end", "attempt": 0, "state": "complete"}
    (row,) = _fold(store, ended, again, late)
    assert (row["attempt"], row["state"], row["failure"]) == (1, "running", None)


def test_trials_stand_in_the_order_they_began(store: StudyStore) -> None:
    rows = _fold(
        store,
        {"trial_id": "b", "kind": "start"},
        {"trial_id": "a", "kind": "start"},
        {"trial_id": None, "kind": "start"},
        {"trial_id": "b", "kind": "end", "state": "complete"},
    )
    assert [row["trial_id"] for row in rows] == ["b", "a"]


def test_columns_stand_in_the_order_of_the_design(store: StudyStore) -> None:
    row = {"trial_id": "a", "kind": "end", "zeta": 1.0, "params.b": 1, "params.a": 2, "loss": 0.1}
    names = list(_fold(store, row)[0])
    assert names[:7] == ["trial_id", "config_id", "attempt", "fold", "seed", "role", "state"]
    assert names[7:12] == ["params.a", "params.b", "loss", "zeta", "energy_joules"]
    assert names[-1] == "time"
    assert "kind" not in names


ROW = st.fixed_dictionaries(
    {
        "trial_id": st.sampled_from("abc"),
        "attempt": st.integers(0, 2),
        "kind": st.sampled_from(["start", "end"]),
        "state": st.sampled_from(["complete", "failed"]),
    }
)


@settings(max_examples=30)
@given(rows=st.lists(ROW, max_size=10))
def test_against_the_rules_read_slowly(tmp_path_factory: Any, rows: list[dict[str, Any]]) -> None:
    store = StudyStore.create(tmp_path_factory.mktemp("fold") / "s", {})
    folded = {row["trial_id"]: row for row in _fold(store, *rows)}
    assert list(folded) == list(dict.fromkeys(row["trial_id"] for row in rows))
    for trial_id, row in folded.items():
        mine = [entry for entry in rows if entry["trial_id"] == trial_id]
        last = max(entry["attempt"] for entry in mine)
        ends = [e["state"] for e in mine if e["attempt"] == last and e["kind"] == "end"]
        assert row["attempt"] == last
        assert row["state"] == (ends[0] if ends else "running")
