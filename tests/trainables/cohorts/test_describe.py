from __future__ import annotations

import json

from trainables.cohorts import describe_data, load_cohort


def test_description_is_json() -> None:
    data = {"subjects": 21, "image_size": 16}
    cohort = load_cohort(data)
    described = describe_data(data)
    assert json.loads(json.dumps(described)) == described
    assert described == {
        "fingerprint": cohort.fingerprint,
        "subjects": list(cohort.subjects),
        "people": 21,
        "classes": {"0": 11, "1": 10},
        "notes": [],
    }
