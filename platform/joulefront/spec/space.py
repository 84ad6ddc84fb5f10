"""The search space's parameters: ranges and choices, what they contain, and their grids.

Nothing here draws values: samplers do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, TypeAlias

from joulefront.spec.checked import Checked, limited
from joulefront.spec.document import describe

GRID_RESOLUTION = 5
"""Values that a grid takes from a range without `step`, both ends included."""

_STEP_TOLERANCE = 1e-9  # relative to one step: 0.3 is the third step of 0.1


class _Conditional(Checked):
    """What all parameters share: they may be active only `when` choices of the space are made."""

    __slots__ = ()
    when: Mapping[str, Any] | None

    def check(self) -> None:
        """Make of the condition a dict of tuples, parent to options; refuse what is none."""
        if self.when is None:
            return
        if not isinstance(self.when, Mapping) or not self.when:
            must = "must be a mapping (choice: option, or choice: [option, ...])"
            raise self.error("when", must)
        listed = {
            parent: tuple(options) if isinstance(options, list | tuple) else (options,)
            for parent, options in self.when.items()
        }
        object.__setattr__(self, "when", listed)
        for parent, options in listed.items():
            if not options:
                must = "must name at least one option"
                raise self.error(f"when.{parent}", must, given="an empty list")

    def _condition(self) -> dict[str, Any]:
        condition = (self.when or {}).items()
        written = {key: list(each) if len(each) > 1 else each[0] for key, each in condition}
        return {"when": written} if written else {}


class _Range(_Conditional):
    """What `Float` and `Int` share."""

    __slots__ = ()
    low: Any
    high: Any
    log: bool
    step: Any

    def check(self) -> None:
        """Refuse an empty range, and a log or step that does not fit it."""
        _Conditional.check(self)
        shown = f"[{describe(self.low)}, {describe(self.high)}]"
        if self.low > self.high:
            must, remedy = "low must not be above high", "swap the two"
            raise self.error("low", must, given=shown, remedy=remedy)
        if self.log and self.low <= 0:
            raise self.error("low", "low must be above 0 where log is true", given=shown)
        if self.log and self.step is not None:
            raise self.error("step", "must be absent where log is true")
        if self.step is not None and not self._on_step(self.high):
            must = "high - low must be a whole number of steps"
            raise self.error("step", must, given=f"{describe(self.step)} in {shown}")

    def to_dict(self) -> dict[str, Any]:
        """Return it as a study file writes it."""
        written: dict[str, Any] = {type(self).__name__.lower(): [self.low, self.high]}
        options = {"log": self.log, "step": self.step}
        written |= {name: value for name, value in options.items() if value}
        return written | self._condition()

    def _on_step(self, value: float) -> bool:
        steps = (value - self.low) / self.step
        return bool(abs(steps - round(steps)) <= _STEP_TOLERANCE * max(1.0, abs(steps)))

    def _spaced(self, resolution: int) -> tuple[float, ...]:
        """Return values evenly spaced from `low` to `high`, in the logarithm if `log`."""
        low, high = self.low, self.high
        if resolution < 1:
            raise ValueError(f"resolution must be at least 1, but it is {resolution}")
        if low == high or resolution == 1:
            return (low,)
        shares = [i / (resolution - 1) for i in range(1, resolution - 1)]
        if self.log:
            inner = [low * (high / low) ** share for share in shares]
        else:
            inner = [low + share * (high - low) for share in shares]
        return (low, *(min(max(value, low), high) for value in inner), high)


@dataclass(frozen=True, slots=True)
class Float(_Range):
    """A real number in [low, high]; with `step`, low + i * step for whole i only."""

    low: float  # included
    high: float  # included; may equal low
    _: KW_ONLY
    log: bool = False  # search the logarithm; needs low > 0 and no step
    step: float | None = limited(None, above=0)  # high - low must be a whole number of steps
    when: Mapping[str, Any] | None = field(default=None, hash=False)  # parent: (option, ...)

    def contains(self, value: object) -> bool:
        """Return whether `value` is a number of this range and, with `step`, on its grid."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return False
        return self.low <= value <= self.high and (self.step is None or self._on_step(value))

    def grid(self, resolution: int = GRID_RESOLUTION) -> tuple[float, ...]:
        """Return the grid's values, ascending: every step, or else `resolution` of them.

        Without `step` they are evenly spaced from `low` to `high` (in the logarithm if `log`). A
        range of one value has a grid of one. A resolution of 1 gives `low`.
        """
        if self.step is None:
            return self._spaced(resolution)
        count = round((self.high - self.low) / self.step)
        return tuple(min(self.low + i * self.step, self.high) for i in range(count + 1))


@dataclass(frozen=True, slots=True)
class Int(_Range):
    """An integer in [low, high]; else as `Float`."""

    low: int
    high: int
    _: KW_ONLY
    log: bool = False
    step: int | None = limited(None, above=0)
    when: Mapping[str, Any] | None = field(default=None, hash=False)

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
        if self.step is None:
            return tuple(sorted({round(value) for value in self._spaced(resolution)}))
        return tuple(range(self.low, self.high + 1, self.step))


@dataclass(frozen=True, slots=True)
class Choice(_Conditional):
    """One of several values without an order; at least one.

    No two may be equal, and 1, 1.0 and True count as equal: samplers could not tell them apart.
    """

    options: tuple[str | int | float | bool | None, ...]
    _: KW_ONLY
    when: Mapping[str, Any] | None = field(default=None, hash=False)

    def check(self) -> None:
        """Make a tuple of a list; refuse no options, equal ones, and numbers not finite."""
        _Conditional.check(self)
        object.__setattr__(self, "options", tuple(self.options))
        if not self.options:
            raise self.error("options", "must have at least one option", given="an empty list")
        for index, option in enumerate(self.options):
            place, shown = f"options.{index}", describe(option)
            if isinstance(option, float) and not math.isfinite(option):
                raise self.error(place, "an option must be finite", given=shown)
            if option in self.options[:index]:
                raise self.error(place, "options must differ", given=f"{shown} again")

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
        return {"choice": list(self.options)} | self._condition()


Parameter: TypeAlias = Float | Int | Choice
