"""What the rows of a trial mean together: one row a trial.

Not here: which trials may be on a front (`results`).
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from joulefront.store.schema import folded_names


def fold_trials(raw: pa.Table) -> pa.Table:
    """One row a trial: its last attempt, as far as it is known.

    - The attempt with the highest number counts; earlier ones are what a retry left behind.
    - Its first end row counts, in the order of `raw`; a later one is a repetition and ignored.
    - What the end row leaves null is taken from the first start row of the same attempt.
    - An attempt without an end row is "running", whatever its start row says.

    Args:
        raw: The table "trials" as `StudyStore.read` returns it.

    Returns:
        One row a trial id, in the order in which the trials first appear in `raw`. Columns:
        trial_id, config_id, attempt, fold, seed, role, state, `params.*`, metrics, energy and the
        rest; last `time`, that of the end row or else of the start row. Rows without a trial id
        are left out; a row whose kind is not "end" is a start; no attempt is attempt 0.
    """
    trials = _last_attempts(raw)
    starts = raw.take(pa.array([rows.get("start") for rows in trials], pa.int64()))
    ends = raw.take(pa.array([rows.get("end") for rows in trials], pa.int64()))
    columns = {
        name: pc.coalesce(ends[name], starts[name]) for name in folded_names(raw.column_names)
    }
    ended = pa.array(["end" in rows for rows in trials], pa.bool_())
    columns["state"] = pc.if_else(ended, columns["state"], "running")
    return pa.table(columns)


def _last_attempts(raw: pa.Table) -> list[dict[str, int]]:
    """Of each trial's last attempt: "start" and "end", where it has them -> row in `raw`."""
    last: dict[str, tuple[int, dict[str, int]]] = {}
    rows = zip(*(raw[name].to_pylist() for name in ("trial_id", "attempt", "kind")), strict=True)
    for row, (trial_id, number, kind) in enumerate(rows):
        if trial_id is None:
            continue
        attempt = number or 0
        if trial_id not in last or attempt > last[trial_id][0]:
            last[trial_id] = (attempt, {})
        if attempt == last[trial_id][0]:
            last[trial_id][1].setdefault("end" if kind == "end" else "start", row)
    return [found for _, found in last.values()]
