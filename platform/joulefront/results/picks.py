"""One member of the front, chosen by a wish in words or by a named knee rule.

Not here: the rules themselves (joulefront.front.KNEES).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pandas as pd

from joulefront.errors import StudyError
from joulefront.front import KNEES
from joulefront.results.configurations import minimised, parameter_columns
from joulefront.results.study import Study
from joulefront.results.units import number_text, readable, unit_of
from joulefront.spec import Objective
from joulefront.spec.nearest import remedy

_FORM = re.compile(
    r"(?P<best>\S+)\s+(?:(?:with|where)\s+(?P<limited>\S+)\s+)?"
    r"(?P<side>under|at most|<=|over|at least|>=)\s+(?P<bound>[-+\d.eE]+)\s*(?P<unit>[A-Za-z%]+)?"
)
_EXAMPLE = (
    "as in 'balanced_accuracy under 5 Wh' or 'energy_joules where balanced_accuracy over 0.8'"
)
_UNITS = {
    "J": ("J", 1.0),
    "kJ": ("J", 1e3),
    "Wh": ("J", 3600.0),
    "kWh": ("J", 3.6e6),
    "g": ("g", 1.0),
    "kg": ("g", 1e3),
    "ms": ("s", 1e-3),
    "s": ("s", 1.0),
    "min": ("s", 60.0),
    "h": ("s", 3600.0),
    "B": ("B", 1.0),
    "MB": ("B", 1e6),
    "GB": ("B", 1e9),
    "W": ("W", 1.0),
}


def best_under(study: Study, wish: str) -> pd.DataFrame:
    """Return the member that is best in one objective within a limit on another.

    Args:
        study: The study.
        wish: "METRIC [where METRIC] under|over NUMBER [UNIT]": the objective to be best in, the
            limited one (by default the only other, or the only other of that unit) and the limit,
            itself allowed, in J, kJ, Wh, kWh, g, kg, ms, s, min, h, B, MB, GB, W or in the
            metric's own unit.

    Returns:
        One row of `study.front()`, the first of equal ones.

    Raises:
        StudyError: The wish cannot be read, names what is no objective or has another unit, or no
            member meets the limit; then the message says which comes nearest.
    """
    found = _FORM.fullmatch(" ".join(wish.split()))
    if found is None:
        raise StudyError("a wish must be 'METRIC under NUMBER UNIT'", given=wish, remedy=_EXAMPLE)
    best = _objective(study, found["best"])
    unit, factor = _unit(found["unit"])
    others = [objective for objective in study.objectives if objective is not best]
    named = found["limited"]
    limited = _objective(study, named) if named else _only(others, unit, wish)
    if unit and unit != _base(limited):
        must = f"a limit on {limited.metric} must be in {unit_of(limited.metric)}"
        raise StudyError(must, given=found["unit"], remedy=_EXAMPLE)
    bound, front = _number(found["bound"]) * factor, _front(study)
    below = found["side"] in ("under", "at most", "<=")
    values = front[limited.metric]
    meets = values <= bound if below else values >= bound
    if not meets.any():
        nearest = front.iloc[int(values.argmin() if below else values.argmax())]
        must = f"a member of the front must have {limited.metric} {found['side']} "
        must += f"{found['bound']} {found['unit'] or ''}"
        given = f"the {'least' if below else 'greatest'} is "
        given += f"{_value(limited, nearest)} ({nearest['config_id']})"
        raise StudyError(must, given=given, remedy="move the limit")
    kept = front[meets]
    return kept.iloc[[int((best.sign * kept[best.metric]).argmin())]]


def knee(study: Study, rule: str) -> pd.DataFrame:
    """Return the member, one row of `study.front()`, that a rule of `joulefront.front.KNEES` picks.

    Raises:
        StudyError: There is no such rule, or no member.
    """
    if rule not in KNEES:
        must = "a knee must be by a rule that there is"
        raise StudyError(must, given=rule, remedy=remedy(rule, list(KNEES)))
    front = _front(study)
    return front.iloc[[KNEES[rule](minimised(front, study.objectives))]]


def front_notes(study: Study) -> list[str]:
    """Say how to read the front's errors and probabilities, and which member each knee rule picks.

    Nothing of errors where none is known, nor of knees with fewer than three members or one
    objective.
    """
    front, notes = study.front(), []
    if front["membership"].notna().any():
        folds = ", folds taken as correlated" if study.spec.replicates.folds > 1 else ""
        notes.append(
            f"± one standard error{folds}; P(front): how probable it is that no other configuration"
            " is truly better"
        )
    if len(front) >= 3 and len(study.objectives) > 1:
        names = {rule: str(knee(study, rule)["config_id"].iloc[0]) for rule in KNEES}
        told = ", ".join(f"{member} by {rule}" for rule, member in names.items())
        disagree = "; the rules disagree" if len(set(names.values())) > 1 else ""
        notes.append(f"knee: {told}{disagree}")
    return notes


def pick_text(study: Study, chosen: pd.DataFrame, rule: str) -> str:
    """Describe a pick in two lines: why, who and its objectives; then its hyperparameters."""
    row = chosen.iloc[0]
    values = ", ".join(f"{o.metric} {_value(o, row)}" for o in study.objectives)
    parameters = "  ".join(
        f"{column.removeprefix('params.')}={number_text(row[column])}"
        for column in parameter_columns(chosen)
        if not pd.isna(row[column])
    )
    return f"{rule}: {row['config_id']}, {values}, n = {row['replicates']}\n    {parameters}"


def _front(study: Study) -> pd.DataFrame:
    front = study.front()
    if front.empty:
        must = f"{study.path} must have a member of the front"
        raise StudyError(must, given="none", remedy="wait until a configuration is fully measured")
    return front


def _objective(study: Study, name: str) -> Objective:
    known = {objective.metric: objective for objective in study.objectives}
    if name not in known:
        must = f"{study.path} must have the objective"
        raise StudyError(must, given=name, remedy=remedy(name, list(known)))
    return known[name]


def _only(others: Sequence[Objective], unit: str, wish: str) -> Objective:
    fitting = [objective for objective in others if unit == _base(objective)] or list(others)
    if len(fitting) != 1:
        must = "a wish must leave no doubt which other objective is limited"
        raise StudyError(must, given=wish, remedy=_EXAMPLE)
    return fitting[0]


def _base(objective: Objective) -> str:
    unit = unit_of(objective.metric).removesuffix(" CO2e")
    return "" if unit == "1" else unit


def _unit(name: str | None) -> tuple[str, float]:
    if name == "%":
        return "", 0.01
    if name and name not in _UNITS:
        must = f"a limit's unit must be one of {', '.join(_UNITS)} or %"
        raise StudyError(must, given=name, remedy=remedy(name, list(_UNITS)))
    return _UNITS[name] if name else ("", 1.0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise StudyError("a limit must be a number", given=text, remedy=_EXAMPLE) from None


def _value(objective: Objective, row: pd.Series[Any]) -> str:
    label, factor = readable(objective.metric, abs(row[objective.metric]))
    _, _, unit = label.partition(" (")
    return f"{number_text(float(row[objective.metric] * factor))} {unit.rstrip(')')}".rstrip()
