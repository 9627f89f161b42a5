"""
Letters that nobody dials, and bits in place of them.

Theory of operation: whatever looks at a pseudonym - a phone, a parser of phone
numbers, a gateway, a spreadsheet - must not take it for a number.  So it is
written with 21 consonants and no digit: 13 bits are three of them, as 2**13 is
not much less than 21**3.  There is one case only, and no vowel to make a word.

In front stands what it takes to read it: the scheme, and the id of the key.

    ph1 k1 _ lfk vbx ...         three letters for every 13 bits, first bits first

The encoding is for ever: another one would make other pseudonyms.
"""

from __future__ import annotations

import functools
import re

ALPHABET = "bcdfghjklmnpqrstvwxyz"
BITS = 13  # of three letters
GROUPS = 1 << BITS

_PSEUDONYM = re.compile(rf"([a-z]{{2}}[0-9])([a-z][a-z0-9]{{0,7}})_([{ALPHABET}]+)", re.ASCII)


@functools.cache
def letters() -> list[str]:
    """
    Three letters for each number below 2**13.
    """
    return [
        first + second + third for first in ALPHABET for second in ALPHABET for third in ALPHABET
    ][:GROUPS]


@functools.cache
def bits() -> dict[bytes, str]:
    """
    Three letters to their 13 bits, as noughts and ones.
    """
    return {three.encode(): f"{number:0{BITS}b}" for number, three in enumerate(letters())}


def split(pseudonym: object, scheme: str, length: int) -> tuple[str, str] | None:
    """
    The id of the key and the letters of a *pseudonym* of *scheme*, or None.

    Args:
        length: How many letters it has.
    """
    if not isinstance(pseudonym, str):
        return None
    found = _PSEUDONYM.fullmatch(pseudonym)
    if found is None or found[1] != scheme or len(found[3]) != length:
        return None
    return found[2], found[3]
