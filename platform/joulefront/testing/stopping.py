"""Checks that every stopping rule must pass, for authors of rules; run for each registered one.

    def test_my_rule() -> None:
        check_rule("my_package.my_rule:my_rule")

A failed check raises AssertionError. How much a rule saves is not checked; what it loses in the
worst case is measured by `adversarial_loss_rate`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from joulefront.spec import Stopping
from joulefront.stopping import Curve, Rule, load_rule, should_stop_by

EPOCHS = 9
"""Of every made-up trial."""

SETTINGS = Stopping(min_epochs=1)

Case = tuple[Curve, Sequence[Curve], NDArray[np.float64]]


def check_rule(reference: str, *, stops: bool = True) -> None:
    """Run all checks.

    Args:
        reference: The rule as "module:Object".
        stops: It ends at least a hopeless trial some time.
    """
    rule = load_rule(reference)
    check_nobody_is_stopped_too_soon_or_too_late(rule)
    check_answers_are_pure(rule)
    check_unknown_values_are_survived(rule)
    check_any_number_of_objectives(rule)
    check_the_best_trial_goes_on(rule)
    if stops:
        check_a_hopeless_trial_ends(rule)


def check_nobody_is_stopped_too_soon_or_too_late(rule: Rule) -> None:
    """Not before `min_epochs`, not at the last epoch, not while nothing has finished."""
    others, finished = made_up_study()
    for epoch in range(EPOCHS + 1):
        hopeless = beginning(made_up_curve("hopeless", error=0.9, joules=900.0), epoch)
        if epoch < 4:
            late = replace(SETTINGS, min_epochs=4)
            assert not should_stop_by(rule, hopeless, others, finished, late), f"{epoch} < 4"
        answer = should_stop_by(rule, hopeless, others, finished[:0], SETTINGS)
        assert not answer, f"stopped at epoch {epoch} though nothing had finished"
    ended = replace(made_up_curve("hopeless", error=0.9, joules=900.0), state="running")
    assert not should_stop_by(rule, ended, others, finished, SETTINGS), "stopped at its last epoch"


def check_answers_are_pure(rule: Rule) -> None:
    """Same answer twice, whatever the order of curves and points, and no argument is changed."""
    others, finished = made_up_study()
    shuffled = np.random.default_rng(1).permutation(len(others))
    for case in _cases(others, finished):
        curve = case[0]
        before = curve.objectives.copy()
        answer = should_stop_by(rule, *case, SETTINGS)
        assert should_stop_by(rule, *case, SETTINGS) is answer, "another answer the second time"
        otherwise = [others[at] for at in shuffled]
        again = should_stop_by(rule, curve, otherwise, finished[::-1], SETTINGS)
        assert again is answer, f"order changed the answer for {curve.trial_id}"
        assert np.array_equal(curve.objectives, before), "the curve was changed"


def check_unknown_values_are_survived(rule: Rule) -> None:
    """NaN in the latest report, in an objective throughout, in others; no known last epoch."""
    others, finished = made_up_study()
    for curve, _, _ in _cases(others, finished):
        for rows, columns in ((-1, 0), (-1, slice(None)), (slice(None), 0), (0, 1)):
            holed = _holed(curve, rows, columns)
            assert isinstance(should_stop_by(rule, holed, others, finished, SETTINGS), bool)
            all_holed = [_holed(other, rows, columns) for other in others]
            assert isinstance(should_stop_by(rule, holed, all_holed, finished, SETTINGS), bool)
        endless = replace(curve, final_epoch=None)
        assert isinstance(should_stop_by(rule, endless, others, finished, SETTINGS), bool)


def check_any_number_of_objectives(rule: Rule) -> None:
    """One objective and three work as well as two."""
    others, finished = made_up_study()
    for columns in ([0], [1], [0, 1, 0]):
        cut = [_columns(other, columns) for other in others]
        for curve, _, _ in _cases(others, finished):
            case = _columns(curve, columns), cut, finished[:, columns]
            assert isinstance(should_stop_by(rule, *case, SETTINGS), bool)


def check_the_best_trial_goes_on(rule: Rule) -> None:
    """A trial that is cheaper and better than all others at every epoch is never ended."""
    others, finished = made_up_study()
    best = made_up_curve("best", error=0.01, joules=5.0)
    for epoch in range(1, EPOCHS):
        answer = should_stop_by(rule, beginning(best, epoch), others, finished, SETTINGS)
        assert not answer, f"the best trial was stopped at epoch {epoch}"


def check_a_hopeless_trial_ends(rule: Rule) -> None:
    """A trial that is dearer and worse than all others at every epoch is ended some time."""
    others, finished = made_up_study()
    hopeless = made_up_curve("hopeless", error=0.9, joules=900.0)
    assert any(
        should_stop_by(rule, beginning(hopeless, epoch), others, finished, SETTINGS)
        for epoch in range(1, EPOCHS)
    ), "a hopeless trial went on to its end"


def adversarial_loss_rate(rule: Rule, *, alike: int = 0, trials: int = 50) -> float:
    """Share of trials that are stopped though they end on the front, having started badly.

    Such a trial has the worst error of all until two thirds of its epochs, then falls to the best.
    No rule can know what it has not seen; a rule that is told of some can.

    Args:
        rule: To be measured.
        alike: How many of the 30 finished curves start as badly and end well.
        trials: How many such trials, each in a study of its own.
    """
    lost = 0
    for seed in range(trials):
        others, finished = made_up_study(seed=seed, late=alike)
        curve = made_up_curve("adversary", error=0.05, joules=60.0, late=True, seed=seed)
        lost += any(
            should_stop_by(rule, beginning(curve, epoch), others, finished, SETTINGS)
            for epoch in range(1, EPOCHS)
        )
    return lost / trials


def made_up_study(
    count: int = 30, *, seed: int = 0, late: int = 0
) -> tuple[list[Curve], NDArray[np.float64]]:
    """Return complete curves of trade-offs and of worse ones, and the values they ended at."""
    rng = np.random.default_rng([seed, count])
    curves = []
    for number in range(count):
        joules = float(np.exp(rng.uniform(np.log(10.0), np.log(200.0))))
        error = 0.1 + 0.4 / np.log(joules) + float(rng.uniform(0.0, 0.25))
        is_late = number < late
        name = f"c{number:04d}-f0-s0"
        curves.append(made_up_curve(name, error=error, joules=joules, late=is_late, seed=seed))
    return curves, np.array([curve.objectives[-1] for curve in curves])


def made_up_curve(
    trial_id: str, *, error: float, joules: float, late: bool = False, seed: int = 0
) -> Curve:
    """Return a complete curve of error and joules, with noise that its name and `seed` fix."""
    rng = np.random.default_rng([seed, *trial_id.encode()])
    at = np.arange(1, EPOCHS + 1) / EPOCHS
    gap = 0.8 / (1 + np.exp(40 * (at - 0.75))) if late else 0.4 * np.exp(-5 * at)
    errors = error + gap + np.append(0.01 * rng.standard_normal(EPOCHS - 1), 0.0)
    spent = joules * np.cumsum(rng.uniform(0.9, 1.1, EPOCHS)) / EPOCHS
    return Curve(
        trial_id=trial_id,
        epochs=np.arange(1, EPOCHS + 1),
        objectives=np.column_stack([errors, spent]),
        final_epoch=EPOCHS,
        state="complete",
    )


def beginning(curve: Curve, epochs: int) -> Curve:
    """Return the curve as it was after so many reports, still running."""
    return replace(
        curve,
        epochs=curve.epochs[:epochs],
        objectives=curve.objectives[:epochs].copy(),
        state="running",
    )


def _cases(others: Sequence[Curve], finished: NDArray[np.float64]) -> list[Case]:
    """Running trials of all kinds, at several epochs, in one study."""
    whole = [
        made_up_curve("best", error=0.01, joules=5.0),
        made_up_curve("middling", error=0.3, joules=60.0),
        made_up_curve("hopeless", error=0.9, joules=900.0),
    ]
    return [
        (beginning(curve, epoch), others, finished)
        for curve in whole
        for epoch in (1, 3, EPOCHS - 1)
    ]


def _holed(curve: Curve, rows: int | slice, columns: int | slice) -> Curve:
    objectives = curve.objectives.copy()
    objectives[rows, columns] = np.nan
    return replace(curve, objectives=objectives)


def _columns(curve: Curve, columns: Sequence[int]) -> Curve:
    return replace(curve, objectives=curve.objectives[:, list(columns)])
