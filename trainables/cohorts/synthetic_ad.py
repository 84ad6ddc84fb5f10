"""The embedded cohort: invented people of 60 and over, half impaired, with slices and scores.

Nobody in it exists. Clinical values come from clinical.py, slices from anatomy.py, both from one
latent atrophy; imaging (slices and volumes), cognition and genetics are missing as blocks, whatever
the class (rates: clinical.MISSING_SHARE; ADNI lacks 10 to 15 % of the MRI and 2 to 3 % of the APOE
at baseline). It is for comparing methods on a problem whose difficulty is known, and says nothing
about a disease.

Made once for each set of options, then cached (cache.py). The slices are rounded to 8 bits, as real
ones are. `RECIPE` counts changes of what is drawn.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trainables.cohorts.anatomy import Tissue, draw_anatomy, load_template, render
from trainables.cohorts.cache import publish_cache, read_cache
from trainables.cohorts.cohort import Cohort
from trainables.cohorts.options import PLANES, DataOptions
from trainables.cohorts.slices import square

from . import clinical

RECIPE = 1


@lru_cache(maxsize=2)
def load(options: DataOptions) -> Cohort:
    """The cohort of `options.subjects` people drawn with `options.seed`.

    A plane's slices do not depend on which others are asked for.
    """
    wanted = f"{RECIPE} {options.subjects} {options.seed} {options.image_size} {options.planes}"
    key = f"synthetic_ad-{hashlib.sha256(wanted.encode()).hexdigest()[:24]}"
    arrays = read_cache(key)
    if arrays is None:
        arrays = _generate(options)
        publish_cache(key, arrays)
    subjects = tuple(f"S{options.seed}_{person:05d}" for person in range(options.subjects))
    return Cohort(
        name="synthetic_ad",
        subjects=subjects,
        groups=subjects,
        labels=arrays["labels"],
        images=arrays["images"],
        image_present=arrays["image_present"],
        planes=options.planes,
        numeric=arrays["numeric"],
        numeric_names=clinical.NUMERIC_NAMES,
        categorical=arrays["categorical"],
        categorical_names=clinical.CATEGORICAL_NAMES,
        categorical_levels=clinical.CATEGORICAL_LEVELS,
    ).with_inputs(options.inputs)


def _generate(options: DataOptions) -> dict[str, NDArray[Any]]:
    people = clinical.draw_people(options.subjects, np.random.default_rng([options.seed, 0]))
    numeric, categorical = clinical.hide_missing(people)
    present = ~people.missing["image"]
    size = options.image_size
    images = np.zeros((options.subjects, len(options.planes), size, size), dtype=np.float32)
    tissue = load_template()
    for person in np.flatnonzero(present):
        images[person] = _slices(tissue, people, int(person), options)
    columns = {"numeric": numeric, "categorical": categorical}
    return {"labels": people.labels, "images": images, "image_present": present, **columns}


def _slices(
    tissue: Tissue, people: clinical.People, person: int, options: DataOptions
) -> NDArray[np.float32]:
    seed = [options.seed, 1, person]
    etiv = float(people.numeric[person, clinical.NUMERIC_NAMES.index("etiv")])
    anatomy = draw_anatomy(float(people.atrophy[person]), etiv, np.random.default_rng(seed))
    slices = []
    for plane in options.planes:
        rng = np.random.default_rng([*seed, 1 + PLANES.index(plane)])
        slices.append(square(render(tissue, anatomy, plane, rng), options.image_size))
    return np.divide(np.round(np.array(slices) * 255), 255, dtype=np.float32)
