from __future__ import annotations

import pytest

from joulefront.bench.search import driver, speed


@pytest.mark.slow
def test_a_small_study_tells_memory_and_proposals() -> None:
    rows = driver.measure(40)
    platform = next(row for row in rows if row.get("variant") == "platform")
    assert platform["trials"] == 40 and platform["bytes"] > 1e7
    proposals = [row for row in rows if row["situation"] == "proposal"]
    assert [row["variant"] for row in proposals] == ["tpe"] + ["auto"] * 20
    assert [row["history"] for row in proposals][:2] == [20, 20]


def test_the_obvious_algorithms_agree_with_ours() -> None:
    import numpy as np

    from joulefront.front import hypervolume, non_dominated

    rng = np.random.default_rng(0)
    points = rng.random((150, 3))
    assert speed._all_pairs(points[:, :2]).tolist() == non_dominated(points[:, :2]).tolist()
    assert speed._slices(points) == pytest.approx(hypervolume(points, np.ones(3)))
