"""
Reference ids for hosts that have none yet.

Theory of operation: a customer that is asked for reference ids has some, as a
rule, and then these are the ones to use.  Where there is only an address, a new
id takes its place on both sides.  It has to survive a column that knows no
capitals, a URL, a spreadsheet and a person who reads it out, and nothing may
take it for a number or an address.  So it is written with the letters of
pseudonyms, for the same reasons, and what stands in front says what it is.

    rr1_      30 letters of 130 random bits, and one to check the others by
    rd1k1_    the same of 130 bits that a key makes of an address; k1 is the key

The last letter is that of a pure system as ISO 7064 describes them, with the
modulus 21 and the radix 2: each sign counts twice as much as the one behind it,
and all of them together leave the remainder 1.  As neither 1 nor 2 has a
divisor in common with 21, one wrong letter is always noticed, and so are two
neighbours in the wrong order; of anything else, one in 21 gets by.

The form is for ever: customers store it.
"""

from __future__ import annotations

import re
import secrets

from careof.pseudonyms._letters import ALPHABET, BITS, letters

RANDOM = "rr1"
DERIVED = "rd1"
GROUPS = 10  # of 13 bits and three letters

_MASK = (1 << BITS) - 1
_FORM = re.compile(rf"(?:{RANDOM}|{DERIVED}[a-z][a-z0-9]{{0,7}})_[{ALPHABET}]{{31}}", re.ASCII)
_MODULUS = len(ALPHABET)
# What is no letter of ours, such as the digits of a key's id, counts as its code.
_WORTH = {chr(code): code for code in range(128)} | {
    letter: worth for worth, letter in enumerate(ALPHABET)
}


def new_reference_id() -> str:
    """
    A random reference id: ``rr1_`` and 31 letters, of 130 bits, the last one to check by.

    It has 35 characters of small ASCII letters, digits and ``_``, which no URL
    quotes, and means nothing: what it stands for is what the customer stores
    beside it.
    """
    return spelled(f"{RANDOM}_", secrets.randbits(GROUPS * BITS))


def is_reference_id(text: object) -> bool:
    """
    Whether *text* is a reference id that careof made, and nobody mistyped.

    A reference id of the customer's own is none, and as good as one: this is
    for what was typed or read out.
    """
    return (
        isinstance(text, str)
        and _FORM.fullmatch(text) is not None
        and text[-1] == _check(text[:-1])
    )


def spelled(front: str, bits: int) -> str:
    """
    The reference id of 130 *bits*, the highest ones first.
    """
    three = letters()
    shifts = range((GROUPS - 1) * BITS, -1, -BITS)
    text = front + "".join([three[bits >> shift & _MASK] for shift in shifts])
    return text + _check(text)


def bits_of(mac: bytes) -> int:
    """
    The first 130 bits of a longer *mac*.
    """
    return int.from_bytes(mac, "big") >> len(mac) * 8 - GROUPS * BITS


def _check(text: str) -> str:
    total = 0
    for sign in text:
        total = total * 2 + _WORTH[sign]
    return ALPHABET[(1 - 2 * total) % _MODULUS]
