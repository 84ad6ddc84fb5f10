"""The figures of `study bench search`: what they mean, what they must reach, and their mutants.

Judged and mutant are names of variants: the same studies, judged with one known fault.
"""

from __future__ import annotations

from joulefront.bench.figures import Figure
from joulefront.bench.search.statistics import (
    calibration,
    coverage,
    kept,
    mean_of,
    median_of,
    precision,
    race,
    recall,
    saved,
    skill,
    stopped_members,
)

_INF = float("inf")

# fmt: off
FIGURES: tuple[Figure[str], ...] = (
    Figure("joules_to_peer", "joules to the peer's final hypervolume ÷ its budget", (0, 0.40),
           race(recorded=False), "auto", "proposes its first ten points again", "forgetful"),
    Figure("joules_to_peer_stopping", "the same with stopping.rule: dominated", None,
           race(recorded=False), "auto, dominated"),
    Figure("joules_to_peer_random", "the same by random draws", None,
           race(recorded=False), "random"),
    Figure("joules_to_peer_recorded", "joules to the peer's on the recorded table", (0, 0.60),
           race(recorded=True), "auto", "proposes its first ten points again", "forgetful"),
    Figure("joules_to_peer_recorded_stopping", "the same with stopping.rule: dominated", None,
           race(recorded=True), "auto, dominated"),
    Figure("joules_to_peer_recorded_random", "the same by random draws", None,
           race(recorded=True), "random"),
    Figure("stopping_kept", "hypervolume with early stopping ÷ without", (0.99, _INF),
           kept(recorded=False), "dominated", "stops what starts badly", "impatient"),
    Figure("stopping_saved", "joules saved by it", (0.35, 1),
           saved(recorded=False), "dominated", "never stops", "never"),
    Figure("stopped_members", "stopped trials among reported members, share", (0, 0),
           stopped_members, "dominated", "tells stopped trials as complete", "tells complete"),
    Figure("stopping_kept_recorded", "kept on the recorded table", None,
           kept(recorded=True), "dominated", "", "impatient"),
    Figure("stopping_saved_recorded", "saved on the recorded table", None,
           saved(recorded=True), "dominated", "", "never"),
    Figure("halving_kept", "kept by successive halving", None,
           kept(recorded=False), "successive_halving", "", "impatient"),
    Figure("halving_saved", "saved by successive halving", None,
           saved(recorded=False), "successive_halving", "", "never"),
    Figure("front_overstatement", "reported hypervolume ÷ its members' true one − 1", (-0.03, 0.03),
           mean_of("front", "overstatement"), "reported", "reports single evaluations", "single"),
    Figure("front_precision", "reported members that are true ones, share", (0.75, 1),
           precision("front"), "reported", "reports whoever might be one", "might be"),
    Figure("front_recall", "true members that are reported, share", (0.5, 1),
           recall("front"), "reported", "reports one member", "one member"),
    Figure("front_true_share", "true hypervolume reported ÷ best selectable", (0.97, 1),
           mean_of("front", "true_share"), "reported", "reports one member", "one member"),
    Figure("test_optimism", "members' test error better than true, in its deviations", (-0.2, 0.2),
           mean_of("stopping", "test_optimism", recorded=False), "never",
           "the sampler sees the test fold", "sees the test fold"),
    Figure("interval_coverage", "95 % intervals of members that hold the truth", (0.90, 0.98),
           coverage, "reported", "folds taken as independent", "independent"),
    Figure("membership_calibration", "stated − actual membership, mean size over bins", (0, 0.10),
           calibration, "reported", "sure of single evaluations", "single"),
    Figure("membership_skill", "Brier skill of the probability of membership", (1e-9, 1),
           skill, "reported", "sure that all are members", "one member"),
    Figure("proposal_seconds_10k", "proposal by auto after 10,000 trials, CPU s", (0, 0.05),
           median_of("proposal", "seconds"), "auto", "TPE over the whole history", "tpe"),
    Figure("driver_bytes_10k", "driver's memory after 10,000 trials, bytes", (0, 1e9),
           median_of("driver", "bytes"), "platform",
           "keeps every proposal's history (computed)", "keeps every proposal's history"),
    Figure("driver_seconds_10k", "the driver's time for them, s", None,
           median_of("driver", "seconds"), "platform", "", "platform"),
    Figure("front_seconds_1e6", "front of 10^6 points, two objectives, CPU s", (0, 0.3),
           median_of("front_speed", "seconds"), "platform",
           "compares all pairs (extrapolated)", "all pairs"),
    Figure("hypervolume_seconds_1e5_3d", "hypervolume of 10^5 points, three, CPU s", (0, 0.05),
           median_of("hypervolume_speed", "seconds"), "platform",
           "adds up slices (extrapolated)", "slices"),
    Figure("idle_share", "slot time idle for want of a proposal, share", (-_INF, 0.05),
           mean_of("idle", "share"), "platform", "answers None, prepares nothing", "unprepared"),
)
LONGER: tuple[Figure[str], ...] = (
    Figure("front_precision_120", "reported members that are true ones, 120 trials", None,
           precision("longer front"), "reported", "", "single"),
    Figure("front_recall_120", "true members that are reported, 120 trials", None,
           recall("longer front"), "reported", "", "one member"),
)
# fmt: on
