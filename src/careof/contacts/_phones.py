"""
Phone numbers inside a text.

Theory of operation: phonenumbers finds them, at about a hundred microseconds a
text, which is too slow for a million rows.  So it is asked only about runs of
digits that are none of the usual other things: a date, a UUID, an address of
the network.  With a ``+``, a number that is in use somewhere is a phone number.
Without one it is written in the way of a country, and so are many other
things; then it has to be grouped as people there group it, and a run of bare
digits that could be dialled is only something to look at.
"""

from __future__ import annotations

import re
from typing import Literal

Phones = Literal["phone", "digits", ""]

_SEPARATORS = r"[\s().\-/\u2010-\u2015\u2212\uff0d\u00ad\u2060~]"
_RUN = rf"(?<!\d)\d(?:{_SEPARATORS}{{0,4}}\d){{6,16}}(?!\d)"
_WITH_PLUS = re.compile(rf"[+\uff0b]{_SEPARATORS}{{0,3}}{_RUN}")
_BENIGN = (
    r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"
    r"|\b(?:19|20)\d\d-[01]\d-[0-3]\d(?!\d)(?:[T ][0-2]\d:?[0-5]\d(?::?[0-5]\d(?:[.,]\d+)?)?"
    r"(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}\b(?!\.?\d)"
    r"|\b\d{1,3}\.\d{5,}\b(?!\.?\d)"
    # A, C- or INV/ before a number say that it is one of another kind.
    r"|\b(?!(?i:tel|ph|mob|fax|cel|sms))[A-Za-z]{1,4}[-_#/]?(?=\d)\w+|[A-Za-z_]\w+"
)
_CANDIDATE = re.compile(rf"(?P<benign>{_BENIGN})|(?P<run>[+\uff0b(]{{0,2}}{_RUN})")
_SCHEME = re.compile(
    rf"\b(?:tel|callto|sms|smsto):[^\w+]{{0,4}}\+?{_RUN}|\bwa\.me/{_RUN}", re.IGNORECASE
)
_BARE = re.compile(r"\s*(?:\+|00)?(?:[\s().\-/]{0,3}\d){7,15}(?:\.0)?\s*", re.ASCII)


def phones_in(text: str, region: str | None, tries: int) -> tuple[Phones, int]:
    """
    What of phone numbers there is in *text*, and how many of the *tries* are left.

    A try is a question to phonenumbers.
    """
    if _SCHEME.search(text):
        return "phone", tries
    candidates = (
        _WITH_PLUS.finditer(text)
        if region is None
        else (each for each in _CANDIDATE.finditer(text) if each["run"])
    )
    found: Phones = ""
    for candidate in candidates:
        if tries <= 0:
            break
        tries -= 1
        # The signs around it say whether it is a part of something else.
        begin, end = max(0, candidate.start() - 3), candidate.end() + 3
        what = _number_in(text[begin:end], region)
        if what == "phone":
            return what, tries
        found = found or what
    return found, tries


def is_bare_number(text: str) -> bool:
    """
    Whether *text* is 7 to 15 digits and what people put between them, and nothing else.
    """
    return _BARE.fullmatch(text) is not None


def is_number_there(text: str, region: str | None) -> bool:
    """
    Whether *text*, of a field for phone numbers, is one that is in use.
    """
    import phonenumbers

    if text.startswith("00"):
        text = f"+{text[2:]}"
    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_valid_number(number)


def _number_in(piece: str, region: str | None) -> Phones:
    import phonenumbers

    found: Phones = ""
    for match in phonenumbers.PhoneNumberMatcher(piece, region, phonenumbers.Leniency.VALID):
        raw = match.raw_string.strip("()\uff08\uff09")
        if raw.startswith(("+", "\uff0b")):
            return "phone"
        strict = phonenumbers.Leniency.STRICT_GROUPING
        if not raw.isdigit() and any(phonenumbers.PhoneNumberMatcher(raw, region, strict)):
            return "phone"
        found = "digits"
    return found
