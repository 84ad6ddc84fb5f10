from __future__ import annotations

import pytest

from joulefront.errors import DataError
from joulefront.launch.cluster import ask_nodes
from joulefront.launch.data_paths import check_data_paths, missing, strings


def test_texts_are_found_at_any_depth():
    assert list(strings({"a": "x", "b": [1, {"c": ("y", None)}]})) == ["x", "y"]


def test_a_host_without_the_data_is_named(tmp_path):
    asked = []

    def ask(function, paths):
        asked.append((function, paths))
        return [("a", []), ("b", paths)]

    with pytest.raises(DataError, match=f"no {tmp_path} on b; mount it"):
        check_data_paths({"root": str(tmp_path), "cohort": "oasis1", "gone": "/not/here"}, ask)
    assert asked == [(missing, [str(tmp_path)])]


def test_data_without_paths_asks_nobody(tmp_path):
    check_data_paths({"cohort": "synthetic_ad", "subjects": 240}, None)


@pytest.mark.ray
@pytest.mark.usefixtures("ray_session")
def test_every_node_is_asked(tmp_path):
    ((_, answer),) = ask_nodes(missing, [str(tmp_path), str(tmp_path / "no")])
    assert answer == [str(tmp_path / "no")]
    check_data_paths({"root": str(tmp_path)}, ask_nodes)
