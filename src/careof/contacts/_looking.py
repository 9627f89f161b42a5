"""
One record, looked into: every field, what is nested in it, and every form of a text.

Theory of operation: each value has a place, and what is found is a pair of a
place and a kind; the value itself stays in the frames of this module and goes
when they do.  Nothing is passed over in silence: what is too deep, too much
for one record, or of a type that nobody here knows is itself a finding.
"""

from __future__ import annotations

import datetime as dt
import enum
import fractions
import ipaddress
import numbers
import os
import re
import sys
import unicodedata
import uuid
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from careof._values.addresses import EmailAddress
from careof._values.phone_numbers import PhoneNumber
from careof._values.reference import refuse_reference
from careof._values.sealed import Sealed
from careof._values.secret import Secret
from careof.contacts._emails import email_in
from careof.contacts._forms import (
    Pairs,
    bytes_in,
    is_closed,
    json_in,
    pickled_in,
    texts_in,
    unpacked,
)
from careof.contacts._phones import is_bare_number, is_number_there, phones_in
from careof.contacts._places import Place
from careof.contacts._records import fields_of, has_names
from careof.contacts._report import Kind

DEEPEST = 32  # of what is nested, and of forms in forms
MOST_VALUES = 100_000  # of one record
MOST_CHARACTERS = 8 * 2**20  # of one record, with what comes out of its forms
MOST_TRIES = 500  # of one record: questions to email-validator and phonenumbers

# Without a sign of these, an address or a number is either digits or base64.
_SIGN = re.compile('[@+%&\\\\"{\\[=\uff20\ufe6b\uff0b\ufe62\u207a]')
_SCHEME = re.compile(r"(?i:tel|sms|smsto|callto):|wa\.me/")
_DIGITS = re.compile(r"(?:\d[^\w@]{0,4}){7}")
_TOKEN = re.compile(r"[A-Za-z0-9/_-]{12}")
# What many columns hold: times, digests, UUIDs, and our own pseudonyms.
_USUAL = re.compile(
    r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|[0-9a-fA-F]{40}(?:[0-9a-fA-F]{24})?"
    r"|p[hr]1[a-z][a-z0-9]{0,7}_(?:[b-df-hj-np-tv-z]{24}|[b-df-hj-np-tv-z]{45})",
    re.ASCII,
)
INVISIBLE = re.compile(
    "[\u00ad\u034f\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_HARMLESS = (
    bool,
    complex,
    dt.date,
    dt.time,
    dt.timedelta,
    dt.tzinfo,
    uuid.UUID,
    fractions.Fraction,
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    type(None),
)

Found = set[tuple[str, Kind]]


class Look:
    """
    What is found in one record.

    Attributes:
        found: Pairs of a path and a kind.
    """

    __slots__ = ("_characters", "_open", "_region", "_tries", "_values", "found")

    def __init__(self, region: str | None) -> None:
        self._region = region
        self._characters = MOST_CHARACTERS
        self._values = MOST_VALUES
        self._tries = MOST_TRIES
        self._open: set[int] = set()  # what is being looked into, by its id()
        self.found: Found = set()

    @property
    def is_used(self) -> bool:
        """
        Whether anything had to be looked into.
        """
        return self._values < MOST_VALUES

    def into(self, value: Any, place: Place, depth: int = 0) -> None:
        """
        Look into *value*, which stands at *place*.
        """
        self._values -= 1
        if depth > DEEPEST or self._values < 0:
            self._unread(place)
            return
        if isinstance(value, str):
            if place.is_name and value:
                self.found.add((place.path, "name"))
            self._text(str.__str__(value), place, depth)
        elif isinstance(value, bytes | bytearray | memoryview):
            self._bytes(bytes(value), place, depth)
        elif isinstance(value, _HARMLESS):
            return
        elif isinstance(value, numbers.Number):
            self._number(value, place)
        elif isinstance(value, Secret):
            self._unread(place)  # whose it is to reveal
        elif isinstance(value, Sealed):
            self._sealed(value, place, depth)
        else:
            self._nested(value, place, depth)

    def is_clean(self, text: str, place: Place) -> bool:
        """
        Whether nothing can be found in *text*, as one sees at a glance.
        """
        if _SIGN.search(text):
            return False
        if len(text) >= 7:
            has_token = len(text) >= 12 and _TOKEN.search(text)
            has_digits = (
                self._region is not None or place.is_phone or place.is_reference
            ) and _DIGITS.search(text)
            if has_token or has_digits:
                if _USUAL.fullmatch(text):
                    return True
                if has_digits or "\n" in text or any(bytes_in(text)):
                    return False
        return (":" not in text and "/" not in text) or not _SCHEME.search(text)

    def _nested(self, value: Any, place: Place, depth: int) -> None:
        if value is getattr(sys.modules.get("pandas"), "NA", self):
            return
        if id(value) in self._open:
            return  # it holds itself
        self._open.add(id(value))
        try:
            self._opened(value, place, depth)
        finally:
            self._open.discard(id(value))

    def _opened(self, value: Any, place: Place, depth: int) -> None:
        if isinstance(value, enum.Enum):
            self.into(value.value, place, depth + 1)
        elif isinstance(value, os.PathLike):
            self.into(os.fspath(value), place, depth + 1)
        elif isinstance(value, Mapping | Pairs):
            self._pairs(value if isinstance(value, Pairs) else value.items(), place, depth)
        elif isinstance(value, Sequence | AbstractSet) and not has_names(value):
            items = place.items()
            for item in value:
                self.into(item, items, depth + 1)
                if self._values < 0:
                    break
        elif hasattr(value, "tolist"):  # of numpy
            self.into(value.tolist(), place, depth + 1)
        else:
            fields = fields_of(value)
            if fields is None:
                self._unread(place)
            else:
                self._pairs(fields, place, depth)

    def _pairs(self, pairs: Any, place: Place, depth: int) -> None:
        for name, value in pairs:
            inner = place.named(name if isinstance(name, str) else "")
            if inner.is_masked or inner is place:
                self.into(name, place.keys(), depth + 1)
            self.into(value, inner, depth + 1)
            if self._values < 0:
                break

    def _sealed(self, value: Sealed, place: Place, depth: int) -> None:
        if isinstance(value, EmailAddress):
            self.found.add((place.path, "email"))
        elif isinstance(value, PhoneNumber):
            self.found.add((place.path, "phone"))
        else:
            self.into(value.reveal(), place, depth + 1)

    def _number(self, value: Any, place: Place) -> None:
        # Outside of such fields whole numbers are keys, times and amounts.
        if value != value // 1:
            return
        if place.is_phone or (place.is_reference and abs(value) >= 10**9):
            self._digits(f"{abs(int(value))}", place)

    def _text(self, text: str, place: Place, depth: int) -> None:
        if self.is_clean(text, place):
            return
        self._characters -= len(text)
        if self._characters < 0:
            self._unread(place)
            return
        tree = json_in(text)
        if tree is not None and tree != text:
            self.into(tree, place.form("json"), depth + 1)
            return
        if not text.isascii():
            text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
        self._plain(text, place)
        if place.is_phone or place.is_reference:
            self._digits(text, place)
        for form, other in texts_in(text):
            self.into(other, place.form(form), depth + 1)
        if not _USUAL.fullmatch(text):
            for form, data in bytes_in(text):
                self.into(data, place.form(form), depth + 1)

    def _plain(self, text: str, place: Place) -> None:
        path = place.path
        if (path, "email") not in self.found and "@" in text:
            found, self._tries = email_in(text, self._tries)
            if found:
                is_id = place.has_message_ids and text.strip().count("@") == 1
                self.found.add((path, "message_id" if is_id else "email"))
        if (path, "phone") not in self.found:
            phones, self._tries = phones_in(text, self._region, self._tries)
            if phones:
                self.found.add((path, phones))
        if self._tries <= 0:
            self._unread(place)

    def _digits(self, text: str, place: Place) -> None:
        path = place.path
        if (path, "phone") in self.found:
            return
        if place.is_reference and "@" not in text:
            error = refuse_reference(text)
            if error is not None and error.detail == "reference_personal":
                self.found.add((path, "phone"))
                return
        if is_bare_number(text):
            is_sure = place.is_phone and is_number_there(text.strip(), self._region)
            self.found.add((path, "phone" if is_sure else "digits"))

    def _bytes(self, data: bytes, place: Place, depth: int) -> None:
        self._characters -= len(data)
        if self._characters < 0 or is_closed(data):
            self._unread(place)
            return
        packed = unpacked(data)
        if packed is not None:
            out, is_whole = packed
            inner = place.form("packed")
            if not is_whole:
                self._unread(inner)
            self.into(out, inner, depth + 1)
            return
        pickled = pickled_in(data)
        if pickled is not None:
            texts, is_whole = pickled
            inner = place.form("pickle")
            if not is_whole:
                self._unread(inner)
            for text in texts:
                self.into(text, inner, depth + 1)
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            text = data.decode("ascii", "replace")
        self.into(text, place, depth + 1)
        if "\0" in text:  # two or four bytes for each sign
            self.into(text.replace("\0", ""), place, depth + 1)

    def _unread(self, place: Place) -> None:
        self.found.add((place.path, "unread"))
