"""The search space's parameters: ranges and choices, what they contain, and their grids.

Nothing here draws values: samplers do.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any, TypeAlias

from joulefront.spec.document import describe
from joulefront.spec.fields import FieldError, check_types, given

GRID_RESOLUTION = 5
"""Values that a grid takes from a range without `step`, both ends included."""

LARGEST_INTEGER = 2**53
"""Bound of integers in either direction: samplers compute in float64, which is exact up to here."""

_STEP_TOLERANCE = 1e-9  # relative to one step: 0.3 is the third step of 0.1


@dataclass(frozen=True, slots=True)
class Float:
    """A real number in [low, high].

    Attributes:
        low: Smallest value, included.
        high: Largest value, included; may equal `low`.
        log: Search the logarithm; needs low > 0 and no step.
        step: Only low + i * step for whole i; high - low must be a whole number of steps.

    Raises:
        FieldError: One of these does not hold.
    """

    low: float
    high: float
    _: KW_ONLY
    log: bool = False
    step: float | None = None

    def __post_init__(self) -> None:
        check_types(self)
        _check_range(self)

    def contains(self, value: object) -> bool:
        """Return whether `value` is a number of this range and, with `step`, on its grid."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and _on_step(self, value)

    def grid(self, resolution: int = GRID_RESOLUTION) -> tuple[float, ...]:
        """Return the grid's values, ascending: every step, or else `resolution` of them.

        Without `step` they are evenly spaced from `low` to `high` (in the logarithm if `log`). A
        range of one value has a grid of one. A resolution of 1 gives `low`.
        """
        if self.step is not None:
            count = round((self.high - self.low) / self.step)
            return tuple(min(self.low + i * self.step, self.high) for i in range(count + 1))
        return _spaced(self.low, self.high, log=self.log, resolution=resolution)

    def to_dict(self) -> dict[str, Any]:
        """Return it as a study file writes it."""
        return _range_to_dict("float", self)


@dataclass(frozen=True, slots=True)
class Int:
    """An integer in [low, high].

    Attributes:
        low: Smallest value, included.
        high: Largest value, included; may equal `low`.
        log: Search the logarithm; needs low > 0 and no step.
        step: Only low + i * step for whole i; high - low must be a whole number of steps.

    Raises:
        FieldError: One of these does not hold, or a bound lies beyond `LARGEST_INTEGER`.
    """

    low: int
    high: int
    _: KW_ONLY
    log: bool = False
    step: int | None = None

    def __post_init__(self) -> None:
        check_types(self)
        for name in ("low", "high"):
            if abs(getattr(self, name)) > LARGEST_INTEGER:
                must = "must lie within ±2^53"
                raise FieldError(self, name, must, given=describe(getattr(self, name)))
        _check_range(self)

    def contains(self, value: object) -> bool:
        """Return whether `value` is an integer (no float, no boolean) of this range and step."""
        if isinstance(value, bool) or not isinstance(value, int):
            return False
        return self.low <= value <= self.high and (value - self.low) % (self.step or 1) == 0

    def grid(self, resolution: int = GRID_RESOLUTION) -> tuple[int, ...]:
        """Return the grid's values, ascending: every step, or else at most `resolution` of them.

        Without `step` they are those of `Float.grid` rounded, each once: `step: 1` asks for every
        integer of the range.
        """
        if self.step is not None:
            return tuple(range(self.low, self.high + 1, self.step))
        values = _spaced(self.low, self.high, log=self.log, resolution=resolution)
        return tuple(sorted({min(max(round(value), self.low), self.high) for value in values}))

    def to_dict(self) -> dict[str, Any]:
        """Return it as a study file writes it."""
        return _range_to_dict("int", self)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values without an order.

    Attributes:
        options: Text, finite numbers, booleans or None; at least one. No two may be equal, and
            1, 1.0 and True count as equal, since samplers could not tell them apart.

    Raises:
        FieldError: One of these does not hold.
    """

    options: tuple[str | int | float | bool | None, ...]

    def __post_init__(self) -> None:
        if isinstance(self.options, list):
            object.__setattr__(self, "options", tuple(self.options))
        if not isinstance(self.options, tuple):
            must = "must be a list of options"
            raise FieldError(self, "options", must, given=given(self.options))
        if not self.options:
            raise FieldError(
                self, "options", "must have at least one option", given="an empty list"
            )
        seen: set[object] = set()
        for index, option in enumerate(self.options):
            place = f"options.{index}"
            if option is not None and type(option) not in {str, int, float, bool}:
                must = "an option must be text, a number, true, false or null"
                raise FieldError(self, place, must, given=describe(option))
            if isinstance(option, float) and not math.isfinite(option):
                raise FieldError(self, place, "an option must be finite", given=describe(option))
            if option in seen:
                must = "options must differ"
                raise FieldError(self, place, must, given=f"{describe(option)} again")
            seen.add(option)

    def contains(self, value: object) -> bool:
        """Return whether `value` is one of the options, of the same type."""
        return any(type(value) is type(option) and value == option for option in self.options)

    def grid(
        self, resolution: int = GRID_RESOLUTION
    ) -> tuple[str | int | float | bool | None, ...]:
        """Return every option in its order, whatever the resolution."""
        return self.options

    def to_dict(self) -> dict[str, Any]:
        """Return it as a study file writes it."""
        return {"choice": list(self.options)}


Parameter: TypeAlias = Float | Int | Choice


def _check_range(owner: Float | Int) -> None:
    low, high, step = owner.low, owner.high, owner.step
    shown = f"[{describe(low)}, {describe(high)}]"
    if low > high:
        raise FieldError(
            owner, "low", "low must not be above high", given=shown, remedy="swap the two"
        )
    if owner.log and low <= 0:
        raise FieldError(owner, "low", "low must be above 0 where log is true", given=shown)
    if step is None:
        return
    if owner.log:
        raise FieldError(owner, "step", "must be absent where log is true", given=describe(step))
    if step <= 0:
        raise FieldError(owner, "step", "must be above 0", given=describe(step))
    if not _on_step(owner, high):
        must = "high - low must be a whole number of steps"
        raise FieldError(owner, "step", must, given=f"{describe(step)} in {shown}")


def _on_step(owner: Float | Int, value: float) -> bool:
    if owner.step is None:
        return True
    steps = (value - owner.low) / owner.step
    return abs(steps - round(steps)) <= _STEP_TOLERANCE * max(1.0, abs(steps))


def _spaced(low: float, high: float, *, log: bool, resolution: int) -> tuple[float, ...]:
    if resolution < 1:
        raise ValueError(f"resolution must be at least 1, but it is {resolution}")
    if low == high or resolution == 1:
        return (low,)
    shares = [i / (resolution - 1) for i in range(1, resolution - 1)]
    if log:
        ratio = math.log(high) - math.log(low)
        inner = [math.exp(math.log(low) + share * ratio) for share in shares]
    else:
        inner = [low + share * (high - low) for share in shares]
    return (low, *(min(max(value, low), high) for value in inner), high)


def _range_to_dict(kind: str, owner: Float | Int) -> dict[str, Any]:
    written: dict[str, Any] = {kind: [owner.low, owner.high]}
    for field in fields(owner)[2:]:
        value = getattr(owner, field.name)
        if value != field.default:
            written[field.name] = value
    return written
