"""The main axis of a cloud of points, roughly: enough to put them in an order. Not an eigensolver.

Shapes: `P` clouds, `M` points of each, `d` coordinates.
"""

from __future__ import annotations

import torch
from torch import Tensor

PRODUCTS = 3  # of the squared scatter matrix with a vector, after the first: 8 power iterations


def main_axis(points: Tensor) -> Tensor:
    """Return (P, d, 1) vectors near the leading eigenvector, of any length; 0 without any spread.

    The power iteration starts from the coordinate of the widest spread.

    Args:
        points: (P, M, d), centred, and zero where a slot is empty.
    """
    scatter = points.transpose(1, 2) @ points
    spread, widest = scatter.diagonal(dim1=1, dim2=2).max(1)
    scatter = scatter / spread.clamp(min=torch.finfo(points.dtype).tiny)[:, None, None]
    squared = scatter @ scatter
    axis = squared[torch.arange(len(squared), device=points.device), :, widest].unsqueeze(-1)
    for _ in range(PRODUCTS):
        axis = squared @ axis
    return axis


def project(points: Tensor, axis: Tensor) -> Tensor:
    """Return (P, M) coordinates of (P, M, d) points along (P, d, 1) axes.

    As a row times a matrix: torch takes four times as long for the matrix times a column.
    """
    return (axis.transpose(1, 2) @ points.transpose(1, 2)).squeeze(1)


def axis_flops(clouds: int, points: int, coordinates: int) -> int:
    """Return the operations of the matrix products in `main_axis`."""
    return 2 * clouds * coordinates**2 * (points + coordinates + PRODUCTS)
