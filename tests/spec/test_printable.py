from __future__ import annotations

from joulefront.spec.printable import printable


def test_ordinary_text_stays():
    text = "balanced accuracy ± 0.01 — 全\tand\nmore"
    assert printable(text) == text


def test_what_steers_a_terminal_is_spelt_out():
    assert printable("\x1b]0;owned\x07\r\x9b2J") == r"\x1b]0;owned\x07\r\x9b2J"
    assert printable("abc\u202edcba") == r"abc\u202edcba"
    assert printable("\ud800").encode() == rb"\ud800"
