"""Two-dimensional slices: read from a picture file, padded to a square, resized; in [0, 1]."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from joulefront.trial import DataError

LARGEST_SIDE = 4096  # pixels; more is no brain slice but a mistake, or an attack on memory


def read_slice(path: Path) -> NDArray[np.float32]:
    """Read one 8-bit picture as (height, width) grey values in [0, 1].

    Raises:
        DataError: The file is absent, no picture, damaged, too large, or of one grey value.
    """
    try:
        with Image.open(path) as picture:
            if max(picture.size) > LARGEST_SIDE:
                raise DataError(
                    f"a slice must have at most {LARGEST_SIDE} pixels a side",
                    given=f"{path} of {picture.size[0]} × {picture.size[1]}",
                )
            grey = np.asarray(picture.convert("L"), dtype=np.float32) / np.float32(255)
    except (Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        raise DataError(
            "every slice must be a readable picture",
            given=f"{path}: {error}",
            remedy="restore the file from its source, or remove it to leave its subject out",
        ) from error
    if grey.size == 0 or grey.min() == grey.max():
        raise DataError("a slice must show something", given=f"{path} has one grey value")
    return grey


def square(image: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Pad (height, width) with black to a centred square, then resize without aliasing.

    Returns:
        (size, size) in [0, 1].
    """
    height, width = image.shape
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    padded = np.pad(image, ((top, side - height - top), (left, side - width - left)))
    if side == size:
        return padded
    resized = Image.fromarray(padded).resize((size, size), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(resized, dtype=np.float32), 0.0, 1.0)
