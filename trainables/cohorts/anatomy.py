"""Invented brain slices: the MNI152 template, warped, thinned, shaded and made noisy by person.

A picture is a function of a few numbers (`Anatomy`), one random generator and a plane; nothing here
knows classes or clinical values beyond the atrophy that it is given. Each pixel is pulled back from
the template's tissue maps, so that one slice costs one slice and no volume is ever warped.

Per person: ventricles that grow and hippocampi that shrink (radial warps at fixed places), cortex
that thins (a threshold on the tissue maps that opens the sulci), a random smooth warp, head size,
rotation, slice position, grey/white contrast, a bias field and Rician noise (Gudbjartsson & Patz
1995). Strengths were chosen so that 20 principal components of the axial slices and logistic
regression reach an AUC of about 0.74 pooled over folds (0.72 to 0.77 for seeds 0 to 7), as one real
slice of OASIS-1 does.

Template: MNI ICBM152 2009a nonlinear symmetric (Fonov et al. 2011, NeuroImage 54:313), as the
nilearn package carries it: 197 × 233 × 189 voxels of 1 mm, 8 bit, skull-stripped. No network.
Coordinates are MNI millimetres (x right, y front, z up). Slices: `FIELD` × `FIELD` pixels of 1 mm.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import nibabel
import numpy as np
from nibabel.spatialimages import SpatialImage
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from joulefront.trial import DataError

Floats = NDArray[np.float64]
Tissue = tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]

FIELD = 208  # mm and pixels a side
ORIGIN = np.array([-98.0, -134.0, -72.0])  # MNI position of voxel (0, 0, 0)
CENTRE = np.array([0.0, -18.0, 8.0])  # of every slice, and of head size and rotation
PLANES = {  # right and up in the picture, then across it; and the slice's position across, in mm
    "axial": ((0, 1, 2), 20.0),
    "coronal": ((0, 2, 1), -20.0),
    "sagittal": ((1, 2, 0), 3.0),
}
VENTRICLES = np.array(  # body, front and back of each lateral ventricle
    [(side * x, y, z) for side in (-1, 1) for x, y, z in ((12, -20, 23), (9, 4, 17), (24, -38, 8))],
    dtype=np.float64,
)
HIPPOCAMPI = np.array([(-26, -20, -16), (26, -20, -16)], dtype=np.float64)
VENTRICLE_RADIUS, HIPPOCAMPUS_RADIUS = 13.0, 9.0  # mm
SPAN = np.arange(FIELD, dtype=np.float64) - (FIELD - 1) / 2  # pixel centres from the middle, mm
WARPS = ((26.0, 2.0), (10.0, 1.0))  # smoothness and standard deviation of each random warp, mm
TEMPLATE_FILE = "mni_icbm152_{}_tal_nlin_sym_09a_converted.nii.gz"


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Anatomy:
    """One person's head."""

    ventricles: float  # strength of their growth; 0 = template, 0.6 = about twice the diameter
    hippocampi: float  # strength of their shrinking, 0 to 0.5
    thinning: float  # share of tissue below which a voxel turns to fluid; 0.75 = wide sulci
    scale: float  # head size relative to the template's
    rotation: Floats  # (3, 3) orthogonal matrix
    shift: float  # how far each plane's slice lies from its usual position, mm
    warps: tuple[Floats, ...]  # one (3, k, k, k) lattice of normal draws for each of `WARPS`
    grey: float  # intensity of grey matter; white is 0.88
    fluid: float  # intensity of fluid
    noise: float  # standard deviation of the noise in each channel
    bias: float  # strength of the bias field


def draw_anatomy(atrophy: float, etiv: float, rng: np.random.Generator) -> Anatomy:
    """Draw a head whose ventricles, hippocampi and cortex follow an atrophy, each loosely.

    Args:
        atrophy: Standard deviations; about -2 (young and healthy) to 4.
        etiv: Intracranial volume, cm³.
        rng: The only source of randomness.
    """
    ventricles, hippocampi, thinning = (0.87 * atrophy + 0.5 * rng.normal() for _ in range(3))
    rotation = _rotation(np.radians(rng.normal(0.0, 1.5, 3)))
    return Anatomy(
        ventricles=float(np.clip(0.32 + 0.19 * ventricles, -0.1, 0.92)),
        hippocampi=float(np.clip(0.12 + 0.09 * hippocampi, 0.0, 0.5)),
        thinning=float(np.clip(0.53 + 0.07 * thinning, 0.35, 0.75)),
        scale=(etiv / 1450.0) ** (1 / 6) * float(rng.normal(1.0, 0.01)),
        rotation=rotation,
        shift=float(rng.normal(0.0, 1.5)),
        warps=tuple(rng.normal(size=(3, *(len(_knots(width)),) * 3)) for width, _ in WARPS),
        grey=float(rng.normal(0.60, 0.03)),
        fluid=float(rng.normal(0.16, 0.02)),
        noise=float(rng.uniform(0.015, 0.04)),
        bias=float(rng.uniform(0.03, 0.10)),
    )


def render(
    tissue: Tissue, anatomy: Anatomy, plane: str, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Draw one slice of a head; folds, bias field and noise are drawn anew for each.

    Returns:
        (FIELD, FIELD) in [0, 1], first row on top, black outside the brain.
    """
    voxels = (_pull_back(anatomy, plane) - ORIGIN).transpose(2, 0, 1)  # (3, FIELD, FIELD)
    grey, white, brain = (map_coordinates(map_, voxels, order=1) for map_ in tissue)
    matter = np.clip(grey + white, 0.0, 1.0)
    folds = 0.08 * _smooth_noise(3.0, rng) + 0.05 * _smooth_noise(12.0, rng)
    kept = _step(matter, anatomy.thinning + folds)
    whiteness = _step(white / np.maximum(grey + white, 0.05), 0.5 + 0.4 * folds)
    solid = anatomy.grey + (0.88 - anatomy.grey) * whiteness
    clean = anatomy.fluid + (solid - anatomy.fluid) * kept
    clean *= np.exp(anatomy.bias * _smooth_noise(50.0, rng))
    real, imaginary = rng.normal(0.0, anatomy.noise, (2, FIELD, FIELD))
    noisy = np.clip(np.hypot(clean + real, imaginary), 0.0, 1.0)
    return np.where(brain > 0.5, noisy, 0.0).astype(np.float32)


def load_template() -> Tissue:
    """Grey matter, white matter and brain, each (197, 233, 189) in [0, 1].

    Raises:
        DataError: nilearn is not installed, or carries the template no longer.
    """
    found = importlib.util.find_spec("nilearn")
    folder = Path(found.origin).parent / "datasets" / "data" if found and found.origin else Path()
    try:
        images = [nibabel.load(folder / TEMPLATE_FILE.format(kind)) for kind in ("t1", "gm", "wm")]
        t1, grey, white = (np.asanyarray(cast(SpatialImage, image).dataobj) for image in images)
    except (OSError, ValueError) as error:
        raise DataError(
            "the synthetic cohort needs the MNI152 template that the nilearn package carries",
            given=f"{folder}: {error}",
            remedy="install a nilearn release that has it, such as 0.14",
        ) from error
    grey, white = (values.astype(np.float32) / np.float32(255) for values in (grey, white))
    return grey, white, (t1 > 0).astype(np.float32)


def _pull_back(anatomy: Anatomy, plane: str) -> Floats:
    """(FIELD, FIELD, 3) positions in the template, mm, that the slice's pixels show."""
    (right, up, across), position = PLANES[plane]
    axes: list[Floats] = [np.zeros(1)] * 3
    axes[right] = SPAN
    axes[up] = SPAN[::-1]
    axes[across] = np.array([position - CENTRE[across] + anatomy.shift])
    picture = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)  # (…, …, …, 3), one axis of 1
    offsets = picture @ anatomy.rotation.T / anatomy.scale
    for (width, deviation), lattice in zip(WARPS, anatomy.warps, strict=True):
        weights = [_weights(axis, width) for axis in axes]
        smooth = np.einsum("dijk,ai,bj,ck->abcd", lattice, *weights, optimize=True)
        offsets = offsets + deviation * smooth
    points = np.squeeze(offsets, axis=across).swapaxes(0, 1) + CENTRE
    points = _radial(points, VENTRICLES, VENTRICLE_RADIUS, anatomy.ventricles)
    return _radial(points, HIPPOCAMPI, HIPPOCAMPUS_RADIUS, -anatomy.hippocampi)


def _radial(points: Floats, centres: Floats, radius: float, strength: float) -> Floats:
    """Pull points towards centres (strength > 0 magnifies what is there), fading with distance."""
    moved = points.copy()
    for centre in centres:
        offset = points - centre
        weight = np.exp(-(offset**2).sum(axis=-1, keepdims=True) / (2 * radius**2))
        moved -= strength * weight * offset
    return moved


def _knots(width: float) -> Floats:
    reach = FIELD / 2 + width
    return np.arange(-reach, reach + width, width, dtype=np.float64)


def _weights(positions: Floats, width: float) -> Floats:
    """(len(positions), knots) Gaussian weights whose squares sum to one for each position."""
    weights: Floats = np.exp(-((positions[:, None] - _knots(width)) ** 2) / (2 * width**2))
    weights /= np.sqrt((weights**2).sum(axis=1, keepdims=True))
    return weights


def _smooth_noise(width: float, rng: np.random.Generator) -> Floats:
    """(FIELD, FIELD) smooth noise of unit variance."""
    weights = _weights(SPAN, width)
    return weights @ rng.normal(size=(weights.shape[1], weights.shape[1])) @ weights.T


def _step(values: Floats, threshold: Floats) -> Floats:
    """A soft step from 0 to 1 at a threshold: sharpens the template's average tissue borders."""
    return 1.0 / (1.0 + np.exp(-np.clip((values - threshold) / 0.09, -40.0, 40.0)))


def _rotation(angles: Floats) -> Floats:
    """Rotation about x, then y, then z, by angles in radians."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        step = np.eye(3)
        step[first, first] = step[second, second] = np.cos(angle)
        step[first, second], step[second, first] = -np.sin(angle), np.sin(angle)
        matrix = step @ matrix
    return matrix
