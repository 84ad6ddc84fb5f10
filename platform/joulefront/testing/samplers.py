"""Checks that every sampler must pass, for authors of samplers; run for each registered one.

    def test_my_sampler() -> None:
        check_sampler("my_package.my_sampler:my_sampler")

A failed check raises AssertionError. How well a sampler searches is not checked.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from math import inf, nan
from typing import Any

from joulefront.search import Observation, Proposal, Sampler, load_sampler, propose_with
from joulefront.spec.conditions import active
from joulefront.spec.space import Choice, Float, Int, Parameter

SPACE: Mapping[str, Parameter] = {
    "rate": Float(1e-5, 1e-1, log=True),
    "share": Float(0.0, 0.6, step=0.1),
    "clusters": Int(1, 32, log=True),
    "width": Int(8, 32, step=8),
    "masking": Choice(("element", None, 0.5, False, 3)),
}
"""One parameter of each kind; its grid has 2500 configurations."""

CONDITIONAL: Mapping[str, Parameter] = {
    "share": Float(0.0, 0.6, step=0.1, when={"masking": "element"}),
    "clusters": Int(1, 32, log=True, when={"width": (16, 32)}),
    "rate": Float(1e-5, 1e-1, log=True),
    "width": Choice((8, 16, 32), when={"masking": ("element", "modality")}),
    "masking": Choice(("element", "modality", None)),
}
"""Conditions on a choice that comes later, and on one that has a condition itself."""

OBJECTIVES = 2
_SEED = 7


def check_sampler(reference: str, *, model_based: bool = True) -> None:
    """Run all checks.

    Args:
        reference: The sampler as "module:Object", importable in a fresh process.
        model_based: It learns from the history, so that running proposals must change its answer.
    """
    sampler = load_sampler(reference)
    check_proposals_lie_inside(sampler)
    check_conditions_hold(sampler)
    check_any_history_is_taken(sampler)
    check_order_does_not_matter(sampler)
    check_interruption_changes_nothing(sampler)
    check_fresh_process_agrees(reference)
    if model_based:
        check_running_set_is_seen(sampler)
        check_stopped_and_constraints_are_seen(sampler)


def check_proposals_lie_inside(sampler: Sampler) -> None:
    """Every value is contained in its parameter, in the space's order, whatever failed or runs."""
    for observation in observed(sampler, 12):
        _check_inside(SPACE, observation)


def check_conditions_hold(sampler: Sampler) -> None:
    """A proposal has the parameters that are active, no others, and not always the same ones."""
    proposals = observed(sampler, 16, space=CONDITIONAL)
    for observation in proposals:
        _check_inside(CONDITIONAL, observation)
    assert len({tuple(o.params) for o in proposals}) > 1, "only one branch of the space was tried"


def check_any_history_is_taken(sampler: Sampler) -> None:
    """Observations of other studies, stopped ones and any constraints do no harm."""
    history = [
        dataclasses.replace(o, index=o.index - 10, constraints=constraints)
        for o, constraints in zip(
            synthetic_history(20),
            [(-1.0, 0.0), (0.5, nan), (inf, -2.0), (-1.0, 1.0)] * 5,
            strict=True,
        )
    ]
    history[3] = dataclasses.replace(history[3], state="stopped", constraints=())
    history[4] = dataclasses.replace(history[4], values=(nan, 1.0))
    infeasible = [dataclasses.replace(o, constraints=(1.0, 2.0)) for o in history]
    for known in (history, infeasible):
        proposal = _propose(sampler, known, index=10)
        _check_inside(SPACE, _evaluated(10, proposal.params, proposal.attributes))


def check_order_does_not_matter(sampler: Sampler) -> None:
    """The order in which observations are passed is no information."""
    history = synthetic_history(14)
    forth = _propose(sampler, history)
    back = _propose(sampler, history[::-1])
    assert forth == back, f"{forth} became {back} when the history was reversed"


def check_interruption_changes_nothing(
    sampler: Sampler, count: int = 12, interruptions: Sequence[int] = (1, 5, 11)
) -> None:
    """A study that goes on from what was stored makes the proposals of an undisturbed one."""
    undisturbed = observed(sampler, count)
    for kept in interruptions:
        resumed = observed(sampler, count, stored=[_stored(o) for o in undisturbed[:kept]])
        assert resumed == undisturbed, f"a study interrupted after {kept} went another way"


def check_fresh_process_agrees(reference: str) -> None:
    """Another process, with other string hashes and thread counts, makes the same proposals."""
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONHASHSEED": "4242",
        "OMP_NUM_THREADS": "3",
        "OPENBLAS_NUM_THREADS": "3",
        "MKL_NUM_THREADS": "3",
    }
    command = f"from {__name__} import print_proposals; print_proposals({reference!r})"
    done = subprocess.run(
        [sys.executable, "-c", command], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    here, there = _proposals(reference), json.loads(done.stdout)
    assert there == here, f"a fresh process proposed {there} instead of {here}"


def check_running_set_is_seen(sampler: Sampler) -> None:
    """A model-based sampler answers differently once its answer is being tried."""
    history = synthetic_history(14)
    alone = _propose(sampler, history)
    running = [
        Observation(index=index, params=alone.params, values=None, state="running")
        for index in range(100, 103)
    ]
    together = _propose(sampler, [*history, *running])
    assert together.params != alone.params, f"{alone.params} was proposed again while it ran"


def check_stopped_and_constraints_are_seen(sampler: Sampler) -> None:
    """A model-based sampler learns from imputed values and from violations."""
    history = synthetic_history(20)
    stopped = [dataclasses.replace(o, state="stopped") for o in history if o.values]
    failed = [dataclasses.replace(o, state="failed", values=None) for o in stopped]
    learnt, blind = _propose(sampler, stopped), _propose(sampler, failed)
    assert learnt.params != blind.params, "stopped observations were taken for failed ones"
    violated = [dataclasses.replace(o, constraints=(o.params["width"] - 16.0,)) for o in history]
    free, bound = _propose(sampler, history), _propose(sampler, violated)
    assert free.params != bound.params, "violated constraints made no difference"


def observed(
    sampler: Sampler,
    count: int,
    stored: Sequence[Observation] = (),
    space: Mapping[str, Parameter] = SPACE,
) -> list[Observation]:
    """Run a study on a made-up objective, one trial at a time, from what is stored to `count`.

    Every seventh trial fails.
    """
    history = list(stored)
    for index in range(len(history), count):
        proposal = _propose(sampler, history, index, space)
        history.append(_evaluated(index, proposal.params, proposal.attributes))
    return history


def synthetic_history(count: int) -> list[Observation]:
    """Return observations whose configurations no sampler chose."""
    grids = {name: parameter.grid() for name, parameter in SPACE.items()}
    return [
        _evaluated(i, {name: grid[i * 3 % len(grid)] for name, grid in grids.items()}, {})
        for i in range(count)
    ]


def print_proposals(reference: str) -> None:
    """Print what `check_fresh_process_agrees` compares, as JSON."""
    print(json.dumps(_proposals(reference)))


def _proposals(reference: str) -> list[Any]:
    sampler = load_sampler(reference)
    return [
        dataclasses.asdict(_propose(sampler, synthetic_history(count), count)) for count in (0, 14)
    ]


def _propose(
    sampler: Sampler,
    history: Sequence[Observation],
    index: int = 200,
    space: Mapping[str, Parameter] = SPACE,
) -> Proposal:
    return propose_with(sampler, space, OBJECTIVES, seed=_SEED, index=index, history=history)


def _check_inside(space: Mapping[str, Parameter], observation: Observation) -> None:
    index, params = observation.index, observation.params
    expected = list(active(space, params))
    assert list(params) == expected, f"proposal {index} has {list(params)} instead of {expected}"
    for name, value in params.items():
        assert space[name].contains(value), f"{name}={value!r} in proposal {index}"
    json.dumps([dict(params), dict(observation.attributes)])


def _evaluated(index: int, params: Mapping[str, Any], attributes: Mapping[str, Any]) -> Observation:
    share = params.get("share", 0.0)
    error = share + 1.0 / params.get("width", 8) + (0.2 if params["masking"] is None else 0.0)
    energy = params.get("clusters", 16) * (1.0 - share) + 10.0 * params["rate"]
    failed = index % 7 == 6
    return Observation(
        index=index,
        params=params,
        values=None if failed else (error, energy),
        state="failed" if failed else "complete",
        attributes=attributes,
        joules=energy,
        proposal_joules=0.01,
    )


def _stored(observation: Observation) -> Observation:
    """Return the observation as it comes back from a file."""
    fields = json.loads(json.dumps(dataclasses.asdict(observation)))
    if fields["values"] is not None:
        fields["values"] = tuple(fields["values"])
    return Observation(**fields | {"constraints": tuple(fields["constraints"])})
