from __future__ import annotations

import threading

from joulefront.energy import strangers


def test_who_came_later_and_who_asks_are_no_strangers(monkeypatch):
    monkeypatch.setattr(strangers, "_first", [])
    done = threading.Event()
    early, late = (threading.Thread(target=done.wait) for _ in range(2))
    early.start()
    assert early.native_id in strangers.strange_threads()
    late.start()
    asked = []
    asker = threading.Thread(target=lambda: asked.append(strangers.strange_threads()))
    asker.start()
    asker.join()
    assert early.native_id in asked[0]
    assert not asked[0] & {late.native_id, asker.native_id}
    assert threading.get_native_id() in asked[0]
    done.set()


def test_where_there_is_no_proc_there_are_none(monkeypatch):
    monkeypatch.setattr(strangers, "_first", [])
    monkeypatch.setattr(strangers, "_TASKS", "/nowhere")
    assert strangers.strange_threads() == frozenset()
