"""Clinical variables of invented people aged 60 and over, drawn from published statistics by class.

Not the pictures: those are anatomy.py's, and hear of a person only through `atrophy`, the latent
variable (in standard deviations of the unimpaired, high = worse) that couples all modalities.

Impaired people are in one of two stages, 70 % very mild and 30 % mild, as among those aged 60 and
over in OASIS-1 (70 of CDR 0.5, 30 of CDR 1 and more). The stage is no input.

Sources, mean ± standard deviation of unimpaired / very mild / mild:
    age, MMSE, nWBV: OASIS-1, 60 and over (Marcus 2007, doi 10.1162/jocn.2007.19.9.1498).
    eTIV by sex: the same, rounded.
    education, ADAS-13, hippocampus: CN / MCI / AD of the ADNI-like table of the GSVD package (its
        pooled correlations too: ADAS-13 with hippocampus -.52, age with hippocampus -.39).
    sex: ADNI, doi 10.1186/s13195-020-00713-3, Table 1.
    APOE: genotype frequencies of controls and impaired in ageing cohorts.

Ages stop at 60 and 96, scores at their scales' ends. FAQ and CDR are left out: they define the
stage.

Draws are stratified (one in each n-th of the distribution, in random order), so that how far the
classes overlap depends little on the seed: over 200 seeds with 240 people, MMSE alone has an AUC of
0.87 on average and 0.90 at most, ADAS-13 of 0.865 and 0.89.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

NUMERIC_NAMES = ("age", "education", "mmse", "adas13", "hippocampus", "etiv", "nwbv")
CATEGORICAL_NAMES = ("sex", "apoe")
CATEGORICAL_LEVELS = (("F", "M"), ("e2e2", "e2e3", "e2e4", "e3e3", "e3e4", "e4e4"))

MILD_SHARE = 0.3
AGE_ON_ATROPHY = 0.5  # correlation inside a stage
ATROPHY_ON_COGNITION = 0.35  # correlation inside a stage
SHARED_COGNITION = 0.6  # correlation of MMSE and ADAS-13 inside a stage
MISSING_SHARE = {"image": 0.10, "cognition": 0.05, "genetics": 0.08}
BLOCKS = {  # what is missing together; demographics never are
    "image": ("hippocampus", "etiv", "nwbv"),  # and the slices
    "cognition": ("mmse", "adas13"),
    "genetics": ("apoe",),
}


class Stage(NamedTuple):
    """Statistics of one stage: means and standard deviations, and shares."""

    atrophy: float
    age: tuple[float, float]
    education: tuple[float, float]
    mmse: tuple[float, float]
    adas13: tuple[float, float]
    hippocampus: tuple[float, float]
    female: float
    apoe: tuple[float, ...]


_HEALTHY, _IMPAIRED = (0.01, 0.12, 0.03, 0.55, 0.27, 0.02), (0.00, 0.08, 0.01, 0.37, 0.45, 0.09)
STAGES = (
    Stage(0.0, (75.9, 9.0), (16.5, 2.7), (29.0, 1.2), (9.1, 4.5), (7371, 917), 0.53, _HEALTHY),
    Stage(1.1, (76.2, 7.2), (16.0, 2.7), (25.6, 3.5), (16.2, 6.8), (6925, 1028), 0.41, _IMPAIRED),
    Stage(1.8, (78.0, 6.9), (15.8, 2.8), (21.2, 4.0), (28.0, 5.6), (5880, 824), 0.42, _IMPAIRED),
)


class People(NamedTuple):
    """n invented people, complete and with what is missing beside them.

    Attributes:
        labels: (n,) int64; n // 2 are impaired.
        atrophy: (n,) the latent variable; never an input.
        numeric: (n, 7) of `NUMERIC_NAMES`: years, years, points, points, mm³, cm³, share of eTIV.
        categorical: (n, 2) of `CATEGORICAL_NAMES`.
        missing: Block to (n,) bool; it does not depend on the class.
    """

    labels: NDArray[np.int64]
    atrophy: NDArray[np.float64]
    numeric: NDArray[np.float64]
    categorical: NDArray[np.int64]
    missing: dict[str, NDArray[np.bool_]]


def draw_people(count: int, rng: np.random.Generator) -> People:
    """Draw people; the generator is the only source of randomness."""
    impaired = count // 2
    mild = round(MILD_SHARE * impaired)
    sizes = (count - impaired, impaired - mild, mild)
    parts = [_draw_stage(stage, size, rng) for stage, size in zip(STAGES, sizes, strict=True)]
    order = rng.permutation(count)
    atrophy, numeric, categorical = (
        np.concatenate(part)[order] for part in zip(*parts, strict=True)
    )
    missing = {
        block: rng.permutation(np.arange(count) < round(share * count))
        for block, share in MISSING_SHARE.items()
    }
    labels = np.repeat([0, 1, 1], sizes)[order].astype(np.int64)
    return People(labels, atrophy, numeric, categorical, missing)


def hide_missing(people: People) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The numeric and categorical inputs with NaN and -1 where a block is missing."""
    numeric, categorical = people.numeric.copy(), people.categorical.copy()
    for block, names in BLOCKS.items():
        for name in names:
            if name in NUMERIC_NAMES:
                numeric[people.missing[block], NUMERIC_NAMES.index(name)] = np.nan
            else:
                categorical[people.missing[block], CATEGORICAL_NAMES.index(name)] = -1
    return numeric, categorical


def _draw_stage(
    stage: Stage, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    age = np.clip(stage.age[0] + stage.age[1] * _normals(size, rng), 60, 96)
    own = _mix((age - 76.0) / 8.4, _normals(size, rng), AGE_ON_ATROPHY)
    cognition = _mix(-own, _normals(size, rng), ATROPHY_ON_COGNITION)
    second = _mix(cognition, _normals(size, rng), SHARED_COGNITION)
    atrophy = stage.atrophy + own
    female = rng.random(size) < stage.female
    education = stage.education[0] + stage.education[1] * _normals(size, rng)
    hippocampus = stage.hippocampus[0] + stage.hippocampus[1] * _mix(-own, _normals(size, rng), 0.5)
    etiv = np.where(female, 1400.0, 1590.0) + 120.0 * _normals(size, rng)
    nwbv = 0.752 - 0.024 * atrophy + 0.034 * _normals(size, rng)
    numeric = np.column_stack(
        [
            np.round(age),
            np.clip(np.round(education), 6, 20),
            np.clip(np.round(stage.mmse[0] + stage.mmse[1] * cognition), 10, 30),
            np.clip(np.round(stage.adas13[0] - stage.adas13[1] * second), 0, 85),
            np.round(hippocampus),
            np.round(np.clip(etiv, 1050, 2100)),
            np.round(np.clip(nwbv, 0.6, 0.9), 3),
        ]
    )
    apoe = rng.choice(len(stage.apoe), size=size, p=stage.apoe)
    return atrophy, numeric, np.column_stack([~female, apoe]).astype(np.int64)


def _normals(size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Stratified standard normal draws: one from each of `size` equally likely intervals."""
    quantiles = (rng.permutation(size) + rng.uniform(0.001, 0.999, size)) / max(size, 1)
    return np.asarray(ndtri(quantiles), dtype=np.float64)


def _mix(
    shared: NDArray[np.float64], own: NDArray[np.float64], correlation: float
) -> NDArray[np.float64]:
    return correlation * shared + float(np.sqrt(1 - correlation**2)) * own
