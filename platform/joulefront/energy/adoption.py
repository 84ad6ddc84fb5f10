"""What a stopped meter had open, from the ledger that it wrote; pure functions of its rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from joulefront.energy.following import Followed, Mark
from joulefront.energy.ledger import Row, boots


def open_stories(rows: Sequence[Row], host: str, boot_id: str) -> Mapping[str, Sequence[Row]]:
    """Return the rows of each registration that was not closed, by its key, from "open" on.

    Args:
        rows: Ledger of a study.
        host: Rows of other hosts are left out.
        boot_id: The same for another boot, whose processes are gone.
    """
    boot_of = boots(rows)
    stories: dict[str, list[Row]] = {}
    for row in rows:
        if row.host != host or boot_of.get(row.meter) != boot_id:
            continue
        if row.kind == "open":
            stories[row.key] = [row]
        elif row.kind == "close":
            stories.pop(row.key, None)
        elif row.kind == "sample":
            for name in row.details["processes"].keys() & stories.keys():
                stories[name].append(row)
        elif row.key in stories:
            stories[row.key].append(row)
    return stories


def resume(followed: Followed, story: Sequence[Row], mark: Mark) -> None:
    """Put a process's open windows and the sum of its actors back in place.

    Args:
        followed: It, followed anew.
        story: Its rows.
        mark: What is known of it now.
    """
    actors_ns = 0
    for row in story:
        if row.kind == "sample":
            actors_ns = row.details["processes"][followed.registration.key][1]
        elif row.kind == "window_open":
            opened_ns = row.details["opened"]["monotonic_ns"]
            followed.marks[opened_ns] = mark._replace(actors_ns=actors_ns)
        elif row.kind == "window":
            followed.marks.pop(row.details["window"]["opened"]["monotonic_ns"], None)
    followed.actors_base_ns -= actors_ns
