"""Analytic problems whose truth is a formula: mixed spaces, noisy curves, correlated folds.

Three landscapes of different make (`FAMILIES`), each in as many instances as anybody asks for: an
instance moves the optima, permutes the choices and draws its own folds. What a trial ends at is

    truth(params) + effect of the fold + noise of (configuration, fold, seed)

with folds correlated as those of a cross-validation are: of k folds any two share 1 / k of the
variance (Nadeau & Bengio, Machine Learning 52, 2003, section 3: their ρ). Before its end a curve
follows its family's law: a late sigmoid, one that overfits, an exponential; how fast is a matter of
the learning rate and of chance, and one trial in ten is late. No stopping rule fits these laws.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from joulefront.spec import Objective
from joulefront.spec.space import Choice, Float, Int, Parameter
from joulefront.testing.problem import Epoch, Run

FOLDS = 5
_NOISE, _FOLD_NOISE, _EPOCH_NOISE, _ENERGY_NOISE = 0.015, 0.015, 0.006, 0.02
_JOULES = 30.0  # of the cheapest trial
_WATTS = 3.6  # of a trial, on one core
_WORST_ERROR = 0.5
_LATE = 0.1  # share of trials that learn half as fast

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coordinate:
    """What one parameter does to the error and to the cost.

    Attributes:
        parameter: Of the space.
        capacity: How much of the model's capacity it makes up, from its low to its high end.
        cost: Factor on the energy from its low to its high end; of a choice: of its dearest option.
        weight: Of the penalty for missing its optimum; 0: it has none.
        tilt: How far the optimum moves from no capacity to full capacity.
    """

    parameter: Parameter
    capacity: float = 0.0
    cost: float = 1.0
    weight: float = 0.0
    tilt: float = 0.0


@dataclass(frozen=True, slots=True)
class Landscape:
    """One family: its coordinates, and the shapes of what they do.

    Attributes:
        floor: Error of the largest model, perfectly tuned.
        reducible: What capacity takes off the error.
        gain: Capacity, 0 to 1, to what remains of `reducible`, 1 to 0.
        penalty: Distance from the optimum, 0 to 1, to a penalty that is 0 at 0.
        course: Time, 0 at the beginning and about 1 at the end, to what is left to be learnt.
    """

    coordinates: Mapping[str, Coordinate]
    floor: float
    reducible: float
    gain: Callable[[float], float]
    penalty: Callable[[float], float]
    course: Callable[[Floats], Floats]


FAMILIES: dict[str, Landscape] = {
    "transformer": Landscape(
        {
            "width": Coordinate(Int(16, 256, log=True), capacity=0.6, cost=12.0),
            "layers": Coordinate(Int(1, 6), capacity=0.4, cost=4.0),
            "attention": Coordinate(Choice(("dense", "cluster", "balanced")), cost=1.6, weight=0.1),
            "learning_rate": Coordinate(Float(1e-5, 1e-1, log=True), weight=0.5, tilt=-0.15),
            "masking_ratio": Coordinate(Float(0.0, 0.8), weight=0.2, tilt=0.2),
        },
        floor=0.06,
        reducible=0.24,
        gain=lambda capacity: (math.exp(-3 * capacity) - math.exp(-3)) / (1 - math.exp(-3)),
        penalty=lambda distance: distance**2,
        course=lambda time: 1 / (1 + np.exp(12 * (time - 0.35))),
    ),
    "convolution": Landscape(
        {
            "channels": Coordinate(Choice((8, 16, 32, 64)), capacity=0.5, cost=9.0),
            "resolution": Coordinate(Int(32, 128, step=16), capacity=0.5, cost=5.0),
            "batch_size": Coordinate(Choice((8, 16, 32, 64)), cost=0.7, weight=0.15, tilt=0.1),
            "optimiser": Coordinate(Choice(("sgd", "adam", "lion")), weight=0.08),
            "learning_rate": Coordinate(Float(1e-4, 1.0, log=True), weight=0.35, tilt=-0.2),
            "weight_decay": Coordinate(Float(1e-6, 1e-1, log=True), weight=0.1),
        },
        floor=0.08,
        reducible=0.27,
        gain=lambda capacity: 1 / (1 + math.exp(8 * (capacity - 0.35))),
        penalty=lambda distance: distance**2 / (0.15 + distance),
        course=lambda time: np.exp(-9 * time) - 0.08 * np.sin(np.pi * time.clip(0, 1)) ** 2,
    ),
    "graph": Landscape(
        {
            "hidden": Coordinate(Int(4, 128, log=True), capacity=0.45, cost=6.0),
            "hops": Coordinate(Int(1, 4), capacity=0.25, cost=3.0),
            "neighbours": Coordinate(Int(2, 40, log=True), capacity=0.3, cost=3.5),
            "dropout": Coordinate(Float(0.0, 0.75, step=0.05), weight=0.22, tilt=0.3),
            "aggregation": Coordinate(Choice(("mean", "max", "sum", "attention")), cost=1.5),
            "learning_rate": Coordinate(Float(1e-4, 1e-1, log=True), weight=0.4, tilt=-0.1),
        },
        floor=0.1,
        reducible=0.22,
        gain=lambda capacity: (1 / (1 + 4 * capacity) - 0.2) / 0.8,
        penalty=lambda distance: 1 - math.exp(-6 * distance**2),
        course=lambda time: np.exp(-5 * time),
    ),
}


@dataclass(frozen=True)
class Family:
    """One instance of a landscape, as a `Problem`: error and energy, both minimised.

    Attributes:
        family: A name in `FAMILIES`.
        instance: Its number, from 0.
        epochs: Of every trial.
        sees_test: A known fault, for benches: what it reports as validation is the test fold.
    """

    family: str
    instance: int
    epochs: int = 16
    sees_test: bool = False

    objectives = (Objective("error", "minimise"), Objective("energy_joules", "minimise"))

    @property
    def name(self) -> str:
        """Of the family and the instance."""
        return f"{self.family}_{self.instance}"

    @cached_property
    def space(self) -> dict[str, Parameter]:
        """Parameters by name."""
        return {name: c.parameter for name, c in self._landscape.coordinates.items()}

    @property
    def reference(self) -> tuple[float, float]:
        """Somewhat worse than chance, and than the dearest trial."""
        return 1.1 * _WORST_ERROR, 1.1 * _JOULES * self._dearest

    def truth(self, params: Mapping[str, Any]) -> tuple[float, float]:
        """Return error and joules without noise."""
        units = {name: _unit(self.space[name], value) for name, value in params.items()}
        return self._objectives_at(units)

    def front(self, resolution: int = 25) -> list[tuple[float, float]]:
        """Return the true front: what costs is enumerated, everything else at its optimum."""
        axes = {
            name: _units_of(c.parameter, resolution)
            for name, c in self._landscape.coordinates.items()
            if c.capacity or c.cost != 1
        }
        points = [
            self._objectives_at(dict(zip(axes, chosen, strict=True)))
            for chosen in product(*axes.values())
        ]
        front: list[tuple[float, float]] = []
        for error, joules in sorted(points, key=lambda point: point[::-1]):
            if not front or error < front[-1][0]:
                front.append((error, joules))
        return front

    def run(self, params: Mapping[str, Any], *, fold: int, seed: int) -> Run:
        """Return a trial on a fold below `FOLDS`."""
        error, joules = self.truth(params)
        key = repr(sorted(params.items()))

        def ends_at(side: str) -> float:
            noise = self._correlated(side, key, seed, fold=fold)
            return error + self._fold_effect(side, fold) + _NOISE * noise

        validation, test = ends_at("validation"), ends_at("test")
        if self.sees_test:
            validation = test
        joules *= 1 + _ENERGY_NOISE * self._correlated("energy", key, seed, fold=fold)
        rng = self._rng("curve", key, seed, fold)
        errors = validation + self._gaps(error, params, rng)
        effort = np.cumsum(rng.uniform(0.95, 1.05, self.epochs) + np.eye(self.epochs)[0] * 0.3)
        spent = joules * effort / effort[-1]
        epochs = [
            Epoch(metrics={"error": float(e)}, joules=float(j), seconds=float(j) / _WATTS)
            for e, j in zip(errors, spent, strict=True)
        ]
        return Run(epochs=epochs, tests={"test_error": test})

    def _gaps(self, error: float, params: Mapping[str, Any], rng: np.random.Generator) -> Floats:
        """How far above its end the error is at each epoch; 0 at the last.

        A high learning rate learns early. One trial in ten learns half as fast as it should.
        """
        at = np.arange(1, self.epochs + 1) / self.epochs
        rate = _unit(self.space["learning_rate"], params["learning_rate"])
        pace = math.exp(rate - self._optima["learning_rate"] + 0.1 * rng.standard_normal())
        pace *= 0.5 if rng.random() < _LATE else 1.0
        shape = self._landscape.course(at * pace)
        start = max(_WORST_ERROR - error, 0.02) * rng.uniform(0.85, 1.0)
        gaps = start * (shape - shape[-1]) + _EPOCH_NOISE * rng.standard_normal(self.epochs)
        gaps[-1] = 0.0
        return np.asarray(gaps)

    @cached_property
    def _landscape(self) -> Landscape:
        return FAMILIES[self.family]

    @cached_property
    def _optima(self) -> dict[str, float]:
        rng = self._rng("optima")
        return {name: rng.uniform(0.3, 0.7) for name in self._landscape.coordinates}

    @cached_property
    def _orders(self) -> dict[str, list[int]]:
        """By how many steps each option of a choice of names is worse than the best."""
        rng = self._rng("orders")
        return {
            name: [int(rank) for rank in rng.permutation(len(c.parameter.options))]
            for name, c in self._landscape.coordinates.items()
            if isinstance(c.parameter, Choice) and isinstance(c.parameter.options[0], str)
        }

    @cached_property
    def _dearest(self) -> float:
        return math.prod(max(c.cost, 1.0) for c in self._landscape.coordinates.values())

    def _objectives_at(self, units: Mapping[str, float]) -> tuple[float, float]:
        """Error and joules; coordinates that are absent are at their optimum."""
        landscape, coordinates = self._landscape, self._landscape.coordinates
        capacity = sum(coordinates[name].capacity * u for name, u in units.items())
        error = landscape.floor + landscape.reducible * landscape.gain(capacity)
        error += math.fsum(self._penalties(units, capacity))
        cost = math.prod(coordinates[name].cost ** u for name, u in units.items())
        return min(error, _WORST_ERROR), _JOULES * float(cost)

    def _penalties(self, units: Mapping[str, float], capacity: float) -> list[float]:
        """Of the coordinates given."""
        landscape, penalties = self._landscape, []
        for name, unit in units.items():
            c = landscape.coordinates[name]
            if name in self._orders:
                options = self._orders[name]
                rank = options[round(unit * (len(options) - 1))]
                penalties.append(c.weight * rank / (len(options) - 1))
            elif c.weight:
                optimum = self._optima[name] + c.tilt * (capacity - 0.5)
                penalties.append(c.weight * landscape.penalty(abs(unit - optimum)))
        return penalties

    def _fold_effect(self, side: str, fold: int) -> float:
        return _FOLD_NOISE * self._correlated(side, "fold", fold=fold)

    def _correlated(self, *what: object, fold: int) -> float:
        """Return a standard normal number of which any two folds share 1 / k of the variance."""
        shared = self._rng(*what).standard_normal() * math.sqrt(1 / FOLDS)
        own = self._rng(*what, fold).standard_normal() * math.sqrt(1 - 1 / FOLDS)
        return float(shared + own)

    def _rng(self, *what: object) -> np.random.Generator:
        text = repr((self.family, self.instance, *what))
        return np.random.default_rng(list(hashlib.blake2b(text.encode(), digest_size=16).digest()))


def _unit(parameter: Parameter, value: Any) -> float:
    """Return where a value lies from the low end, 0, to the high end, 1."""
    if isinstance(parameter, Choice):
        return parameter.options.index(value) / (len(parameter.options) - 1)
    low, high = parameter.low, parameter.high
    if parameter.log:
        return math.log(value / low) / math.log(high / low)
    return float(value - low) / float(high - low)


def _units_of(parameter: Parameter, resolution: int) -> list[float]:
    if isinstance(parameter, Choice):
        return [_unit(parameter, option) for option in parameter.options]
    if isinstance(parameter, Int):
        values = range(parameter.low, parameter.high + 1, parameter.step or 1)
        return [_unit(parameter, value) for value in values]
    return [i / (resolution - 1) for i in range(resolution)]
