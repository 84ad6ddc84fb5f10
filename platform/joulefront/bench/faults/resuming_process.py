"""A process that resumes a study, without Ray: `python -m … STUDY [ten_times]`.

It prints, as JSON, how many trials are complete, which it would run next, and its memory. That of
the mutant reads every table ten times over.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any

import pyarrow as pa

from joulefront.launch.agenda import Agenda
from joulefront.launch.billing import StudyBill
from joulefront.launch.recorder import Recorder
from joulefront.launch.restoring import restore
from joulefront.spec import StudySpec
from joulefront.store import StudyStore

_NEXT = 5


def main(study: str) -> None:
    """Do what a driver does before it starts Ray, and hand out the first trials."""
    store = StudyStore.open(study)
    with store.writer() as writer:
        bill = StudyBill(store=store)
        agenda = Agenda(StudySpec.from_dict(store.header["spec"]))
        restore(agenda, Recorder(writer, bill, None), store)
        bill.search_joules()
        trials = [agenda.next_trial() for _ in range(_NEXT)]
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    said = {
        "complete": agenda.count("complete"),
        "handed_out": [trial.trial_id for trial in trials if trial],
        "mebibytes": used / 1024,  # Linux tells KiB
    }
    print(json.dumps(said))


def _read_ten_times() -> None:
    read = StudyStore.read

    def again(self: StudyStore, *arguments: Any, **named: Any) -> pa.Table:
        for _ in range(9):
            read(self, *arguments, **named)
        return read(self, *arguments, **named)

    StudyStore.read = again  # type: ignore[method-assign]


if __name__ == "__main__":
    if "ten_times" in sys.argv:
        _read_ten_times()
    main(sys.argv[1])
