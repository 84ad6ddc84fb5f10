from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from joulefront.trial import DataError
from trainables.cohorts import Cohort


def test_arrays_are_read_only(make_cohort: Callable[..., Cohort]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        make_cohort().images[0] = 1.0


def test_fingerprint_follows_the_content(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    assert cohort.fingerprint == make_cohort(notes=("other notes",)).fingerprint
    numeric = cohort.numeric.copy()
    numeric[0, 0] += 1e-9
    assert make_cohort(numeric=numeric).fingerprint != cohort.fingerprint
    assert make_cohort(subjects=("other", *cohort.subjects[1:])).fingerprint != cohort.fingerprint
    assert make_cohort(planes=("coronal", "axial")).fingerprint != cohort.fingerprint


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"subjects": ("p000",) * 40}, "its own id"),
        ({"groups": ("p000",)}, "groups of a cohort must have shape"),
        ({"labels": np.full(40, 2)}, "labels must be 0 or 1"),
        ({"images": np.full((40, 2, 4, 4), 1.5, np.float32)}, "in \\[0, 1\\]"),
        ({"images": np.full((40, 2, 4, 4), np.nan, np.float32)}, "in \\[0, 1\\]"),
        ({"images": np.zeros((40, 2, 4, 5), np.float32)}, "images of a cohort must have shape"),
        ({"numeric": np.full((40, 2), np.inf)}, "finite"),
        ({"categorical": np.full((40, 1), 3)}, "index their levels"),
    ],
)
def test_refuses_what_is_no_cohort(
    make_cohort: Callable[..., Cohort], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        make_cohort(**changes)


def test_with_inputs_keeps_rows_and_drops_columns(make_cohort: Callable[..., Cohort]) -> None:
    cohort = make_cohort()
    assert cohort.with_inputs(("image", "numeric", "categorical")) is cohort
    numeric = cohort.with_inputs(("numeric",))
    assert numeric.subjects == cohort.subjects
    assert numeric.images.shape == (40, 0, 4, 4)
    assert not numeric.image_present.any()
    assert numeric.categorical.shape == (40, 0)
    assert numeric.planes == numeric.categorical_names == numeric.categorical_levels == ()
    np.testing.assert_array_equal(numeric.numeric, cohort.numeric)
    assert numeric.fingerprint != cohort.fingerprint
