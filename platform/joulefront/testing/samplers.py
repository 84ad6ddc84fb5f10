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
from typing import Any

from joulefront.search import Observation, Proposal, Sampler, load_sampler, propose_with
from joulefront.spec.space import Choice, Float, Int, Parameter

SPACE: Mapping[str, Parameter] = {
    "rate": Float(1e-5, 1e-1, log=True),
    "share": Float(0.0, 0.6, step=0.1),
    "clusters": Int(1, 32, log=True),
    "width": Int(8, 32, step=8),
    "masking": Choice(("element", None, 0.5, False, 3)),
}
"""One parameter of each kind; its grid has 2500 configurations."""

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
    check_order_does_not_matter(sampler)
    check_interruption_changes_nothing(sampler)
    check_fresh_process_agrees(reference)
    if model_based:
        check_running_set_is_seen(sampler)


def check_proposals_lie_inside(sampler: Sampler, count: int = 12) -> None:
    """Every value is contained in its parameter, in the space's order, whatever failed or runs."""
    for index, observation in enumerate(observed(sampler, count)):
        params = observation.params
        assert list(params) == list(SPACE), f"proposal {index} has other parameters: {params}"
        for name, parameter in SPACE.items():
            assert parameter.contains(params[name]), f"{name}={params[name]!r} in proposal {index}"
        json.dumps(dict(observation.attributes))


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


def observed(sampler: Sampler, count: int, stored: Sequence[Observation] = ()) -> list[Observation]:
    """Run a study on a made-up objective, one trial at a time, from what is stored to `count`.

    Every seventh trial fails.
    """
    history = list(stored)
    for index in range(len(history), count):
        proposal = _propose(sampler, history, index)
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


def _propose(sampler: Sampler, history: Sequence[Observation], index: int = 200) -> Proposal:
    return propose_with(sampler, SPACE, OBJECTIVES, seed=_SEED, index=index, history=history)


def _evaluated(index: int, params: Mapping[str, Any], attributes: Mapping[str, Any]) -> Observation:
    if index % 7 == 6:
        return Observation(
            index=index, params=params, values=None, state="failed", attributes=attributes
        )
    error = params["share"] + 1.0 / params["width"] + (0.2 if params["masking"] is None else 0.0)
    energy = params["clusters"] * (1.0 - params["share"]) + 10.0 * params["rate"]
    return Observation(
        index=index,
        params=params,
        values=(error, energy),
        state="complete",
        attributes=attributes,
    )


def _stored(observation: Observation) -> Observation:
    """Return the observation as it comes back from a file."""
    values = json.loads(json.dumps(dataclasses.asdict(observation)))
    if values["values"] is not None:
        values["values"] = tuple(values["values"])
    return Observation(**values)
