"""Samples as tensors that lie on the device, and the order in which an epoch takes them.

A whole side is moved once. A step selects rows of it: nothing is decoded, collated or copied from
the host but the rows' numbers. Not for sides that do not fit.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

import torch
from torch import Tensor

from trainables.seeding import stream

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    DataclassT = TypeVar("DataclassT", bound=DataclassInstance)


class Batch(Protocol):
    """B samples."""

    @property
    def labels(self) -> Tensor:
        """(B,) int64 classes, on the device that the model is to run on."""
        ...

    def take(self, rows: Tensor | Sequence[int]) -> Self:
        """Return the samples at these positions."""
        ...

    def __len__(self) -> int:
        """B."""
        ...


def take_rows(batch: DataclassT, rows: Tensor | Sequence[int]) -> DataclassT:
    """Select rows of a dataclass of (B, …) tensors, of each on its own device."""
    index = torch.as_tensor(rows, dtype=torch.int64)
    taken = {}
    for field in dataclasses.fields(batch):
        tensor = getattr(batch, field.name)
        taken[field.name] = tensor.index_select(0, index.to(tensor.device))
    return dataclasses.replace(batch, **taken)


def epoch_order(
    samples: int, *, seed: int, epoch: int, rank: int = 0, world_size: int = 1
) -> Tensor:
    """Shuffle, and give each rank equally many: the first samples come twice if need be.

    Returns:
        (⌈samples / world_size⌉,) int64 on the CPU, the rank's own.
    """
    order = torch.randperm(samples, generator=stream(seed, "order", epoch))
    places = torch.arange(rank, samples + -samples % world_size, world_size)
    return order[places % samples]


def nested_share(labels: Tensor, share: float, seed: int) -> Tensor:
    """Choose a share of each class, at least one sample; a smaller share is part of a larger one.

    Args:
        labels: (n,) int64.
        share: In (0, 1]; 1 chooses all.
        seed: Of the choice.

    Returns:
        Ascending int64 positions.
    """
    chosen = []
    for label in range(int(labels.max()) + 1):
        rows = (labels == label).nonzero().squeeze(1)
        order = torch.randperm(len(rows), generator=stream(seed, "share", label))
        chosen.append(rows[order[: max(1, round(share * len(rows)))]])
    return torch.cat(chosen).sort().values
