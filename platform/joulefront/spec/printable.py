"""Text as a terminal may be given it: what a stranger's study says must not steer the terminal."""

from __future__ import annotations

import re

# Control characters but line feed and tab, line separators, writing directions, lone surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def printable(text: str) -> str:
    r"""Return a text whose control characters are spelt out, such as \x1b; "\n" and "\t" stay."""
    return _UNPRINTABLE.sub(lambda found: ascii(found[0])[1:-1], text)
