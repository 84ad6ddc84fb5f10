from __future__ import annotations

import json

import pytest

from joulefront.bench import BENCHES, BenchResult, load_bench
from joulefront.errors import JoulefrontError


def test_a_result_is_json() -> None:
    result = BenchResult(figures={"a": 1.0}, observations=[{"run": 0, "a": 1.0}], table="a 1")
    assert json.loads(json.dumps(result.to_dict())) == {
        "figures": {"a": 1.0},
        "observations": [{"run": 0, "a": 1.0}],
    }


def test_an_unknown_bench_names_the_nearest() -> None:
    with pytest.raises(JoulefrontError, match="did you mean sparsity"):
        load_bench("sparcity")


def test_a_bench_is_imported_only_when_asked_for() -> None:
    assert callable(load_bench("sparsity"))
    assert all(":" in target for target in BENCHES.values())
