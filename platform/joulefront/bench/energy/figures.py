"""The figures of `study bench energy`: what they mean, what they must reach, and their mutants.

A mutant is a meter with one known fault, which charges the same observations (or was measured
beside them). Where it does not miss the reach, the figure shows nothing.
"""

from __future__ import annotations

import math
from functools import partial
from operator import itemgetter

from joulefront.bench.energy.statistics import (
    Reading,
    last_over_first,
    median_of,
    ratio,
    share,
    total,
    unexplained,
    variation,
)
from joulefront.bench.figures import Figure, Row

_COARSE_SECONDS = 5.0


def _explained(row: Row) -> float:
    return math.fsum(row["accounts"].values())


def _trials_twice(row: Row) -> float:
    return _explained(row) + float(row["accounts"]["trials"])


def _coarse_samples(row: Row) -> float:
    """Charge whole periods that a window touches; its phase is another one in each round."""
    phase = 2.0 * int(row["round"]) % _COARSE_SECONDS
    return 1.0 + (phase + float(row["wall"])) // _COARSE_SECONDS


def _crowded(row: Row) -> bool:
    reasons: list[str] = row["reasons"]
    return any(reason.startswith(("oversubscribed", "run queue")) for reason in reasons)


def _sampling(row: Row, hertz: float = 1.0) -> float:
    """CPU time of a meter that keeps to a rate; one that has not sampled reaches nothing."""
    return row["seconds"] * hertz * row["cpu"] / row["samples"] if row["samples"] else math.inf


def _calls(row: Row) -> float:
    return math.fsum(seconds for _, seconds in row["calls"])


def _calls_with_pss(row: Row) -> float:
    return _calls(row) + len(row["calls"]) * float(row["pss_seconds"])


_charged, _all, _own = itemgetter("charged"), itemgetter("all_trials"), itemgetter("own")
_WHOLE = (0.97, 1.03)

# fmt: off
FIGURES: tuple[Figure[Reading], ...] = (
    Figure("replay_identical", "replayed ledgers give the same bytes", (1, 1),
           share("ledger"), itemgetter("identical"),
           "stamps its bill with the time", itemgetter("identical_stamped")),
    Figure("replay_residual", "|residual| ÷ total of a ledger", (0, 0.03),
           unexplained("ledger"), _explained, "counts trials twice", _trials_twice),
    Figure("live_conservation_solo", "|host − trial, Ray, meter, driver, rest| ÷ host", (0, 0.01),
           unexplained("live_solo"), _explained, "counts trials twice", _trials_twice),
    Figure("live_conservation_many", "the same with eight trials", (0, 0.03),
           unexplained("live_many"), _explained, "counts trials twice", _trials_twice),
    Figure("neighbour_ratio", "beside an identical pinned neighbour ÷ alone", (0.95, 1.05),
           ratio("neighbour", "alone"), _charged, "charges what all trials did", _all),
    Figure("neighbour_ratio_memory", "beside one that streams through memory ÷ alone", (0, 1.12),
           ratio("memory", "alone"), _charged, "charges what all trials did", _all),
    Figure("codecarbon_neighbour_ratio", "CodeCarbon, machine mode: neighbour ÷ alone", None,
           ratio("neighbour", "alone"), itemgetter("codecarbon_joules"), "", _all),
    Figure("oversubscribed_ratio", "two trials of 2 threads on 2 cores ÷ one", (0, 1.2),
           ratio("oversubscribed", "two_threads"), _charged,
           "charges reserved cores × time", itemgetter("wall")),
    Figure("oversubscribed_flagged", "share of those trials that is flagged", (1, 1),
           share("oversubscribed"), _crowded, "no run queue, no leases", lambda row: False),
    Figure("complete_respawned", "charged ÷ getrusage: DataLoader, respawned", _WHOLE,
           median_of("respawned", "truth"), _charged, "blind to children", _own),
    Figure("complete_persistent", "charged ÷ getrusage: DataLoader, persistent", _WHOLE,
           median_of("persistent", "truth"), _charged, "blind to children", _own),
    Figure("complete_subprocess", "charged ÷ getrusage: subprocesses", _WHOLE,
           median_of("subprocess", "truth"), _charged, "blind to children", _own),
    Figure("complete_actor", "charged ÷ getrusage: a child actor", _WHOLE,
           median_of("actor", "truth"), _charged, "blind to actors", itemgetter("tree")),
    Figure("variation", "5 s of work ÷ a reference, coefficient of variation", (0, 0.05),
           variation("alone", "reference"), _charged, "whole samples of 5 s", _coarse_samples),
    Figure("doubling", "twice the work ÷ once", (1.9, 2.1),
           ratio("double", "alone"), _charged, "charges every trial the same", lambda row: 1.0),
    Figure("reuse_ratio", "tenth ÷ first identical trial of a reused actor", (0.95, 1.05),
           last_over_first("reuse"), _charged,
           "charges since the process began", itemgetter("process")),
    Figure("meter_core_share", "meter at 1 Hz with eight trials, share of a core", (0, 0.01),
           median_of("meter", "seconds"), _sampling,
           "samples at 50 Hz", partial(_sampling, hertz=50.0)),
    Figure("idle_actor_core_share", "a Ray actor that does nothing, beside the meter", None,
           median_of("idle", "seconds"), itemgetter("cpu"), "", itemgetter("cpu")),
    Figure("trial_overhead", "calls to the meter ÷ a trial of 10 s", (0, 0.001),
           median_of("double", "wall"), _calls, "reads PSS in every call", _calls_with_pss),
    Figure("stray_calls", "network calls, writes outside the study", (0, 0),
           total("strays"), lambda row: len(row["meter"]),
           "CodeCarbon's online tracker", lambda row: len(row["online_tracker"])),
)
# fmt: on
