"""What Tune's registry is asked again and again, with a registry that counts."""

from __future__ import annotations

import pytest
from ray.tune import registry

from joulefront.launch.lookups import remembered_lookups


@pytest.fixture
def asked(monkeypatch):
    """The keys that Ray was asked for; those that begin with "known" are there."""
    keys: list[bytes] = []

    def ask(key: bytes) -> bytes | None:
        keys.append(key)
        return b"of " + key if key.startswith(b"known") else None

    monkeypatch.setattr(registry, "_internal_kv_get", ask)
    return keys


def test_what_was_found_is_not_asked_for_again(asked):
    with remembered_lookups():
        found = [registry._internal_kv_get(b"known") for _ in range(3)]
    assert found == [b"of known"] * 3
    assert asked == [b"known"]


def test_what_is_not_there_may_come(asked):
    with remembered_lookups():
        assert registry._internal_kv_get(b"new") is None
        assert registry._internal_kv_get(b"new") is None
    assert asked == [b"new", b"new"]


def test_the_registry_is_as_before_afterwards(asked):
    with remembered_lookups():
        registry._internal_kv_get(b"known")
    registry._internal_kv_get(b"known")
    assert asked == [b"known", b"known"]
