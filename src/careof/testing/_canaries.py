"""
People who exist nowhere else, and how they are known again wherever they are written.

Theory of operation: each canary has an address, a number and a name that nothing
else in the process or on the disk has, so that a piece of one that is found was
left by whoever was given it.  A piece may be written in another way than it was
given: in other letters, inside a URL, in JSON, in a mail, in base64, in hex or in
two bytes a character.  All of these are texts that can be computed beforehand.
Only a number is written with gaps that nobody can foretell, and is looked for in
the text without them.  No pattern is made of a canary: ``re`` keeps patterns, and
would be found to hold it.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import re
import secrets
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from careof._values.sealed import Fixed
from careof.errors import ConfigurationError

EMAIL = "an email address"
PHONE = "a phone number"
NAME = "a name"

_LETTERS = "bcdfghjkmnpqrstvwxz"  # which make no word by chance
_TOKEN = 10  # letters: 4e12 of them
_LONG = 8  # characters of a part that is looked for alone
# Ofcom gives these to fiction; each ends in three digits.
_NUMBERS = [
    "+44207946 0",
    *(f"+44{area}496 0" for area in (113, 114, 115, 116, 117, 118, 121, 131, 141, 151, 161)),
    "+447700900 ",
]
_COUNTRY = re.compile(r"\+(?:1|7|44|.{2})")
# What stands between the digits of a number, in a URL as well.
_GAP = re.compile(
    r"(?<=\d)(?:[\s().,/+\-\u00a0\u2010\u2011]|%20|%2[89bdf]){1,3}(?=\d)", re.IGNORECASE
)
_FOLDED = re.compile(r"=?\r?\n[ \t]?")


class CanaryPerson(Fixed):
    """
    Somebody who exists in one test and nowhere else; prints only their reference.

    Args:
        reference_id: What the host stores in their place.
        email: Their address.
        phone: Their number, as ``+`` and digits.
        name: What they are called.
    """

    __slots__ = ("__weakref__", "email", "name", "phone", "reference_id")

    def __init__(self, reference_id: str, *, email: str, phone: str, name: str) -> None:
        if not all(isinstance(each, str) for each in (reference_id, email, phone, name)):
            del self, email, phone, name  # a traceback with locals would show them
            raise ConfigurationError("CanaryPerson: expected four texts (str).")
        self.reference_id: str = reference_id
        self.email: str = email
        self.phone: str = phone
        self.name: str = name

    def answer(self) -> dict[str, str]:
        """
        What a contact endpoint says of them, unless the host's says it otherwise.
        """
        return {
            "id": self.reference_id,
            "email": self.email,
            "phone": self.phone,
            "name": self.name,
        }

    def __repr__(self) -> str:
        return f"CanaryPerson({self.reference_id!r})"


def new_people(number: int = 2) -> list[CanaryPerson]:
    """
    So many canaries whom nobody has seen before.

    Every second one has an address with a sign in it and a name that is not ASCII.
    """
    return [_person(odd=bool(at % 2)) for at in range(number)]


def _person(*, odd: bool) -> CanaryPerson:
    mailbox, name, reference = _token(), _token().capitalize(), _token()
    number = secrets.choice(_NUMBERS).replace(" ", "") + f"{secrets.randbelow(1000):03}"
    return CanaryPerson(
        f"canary-{reference}",
        email=f"zoe+{mailbox}@people.example" if odd else f"ada.{mailbox}@people.example",
        phone=number,
        name=f"Zoë O'{name}" if odd else f"Ada {name}",
    )


def _token() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_TOKEN))


class Needles:
    """
    What is looked for: *people*, in every way in which they may be written.
    """

    def __init__(self, people: Iterable[CanaryPerson]) -> None:
        people = list(people)
        # All that is known of somebody, before parts of it are.
        self._whole = {text.casefold() for it in people for text in (it.email, it.name)}
        parts: dict[str, set[str]] = {EMAIL: set(), PHONE: set(), NAME: set()}
        for person in people:
            mailbox = person.email.rpartition("@")[0]
            parts[EMAIL] |= _long_parts(mailbox, r"[.+]") or {person.email}
            parts[PHONE].add(_national(person.phone))
            parts[NAME] |= _long_parts(person.name, r"[\s']") or {person.name}
        self._forms = {
            kind: (
                sorted({form.casefold() for text in texts for form in _written(text)}),
                sorted({form for text in texts for it in _cases(text) for form in _coded(it)}),
            )
            for kind, texts in parts.items()
            if any(texts)
        }
        plain = {form for texts in parts.values() for text in texts for form in _cases(text)}
        # Those that contain another one are found with it.
        self.marks: tuple[str, ...] = tuple(
            sorted(form for form in plain if not any(it in form for it in plain - {form}))
        )
        self.raw_marks: tuple[bytes, ...] = tuple(mark.encode() for mark in self.marks)

    def kinds_in(self, text: str) -> Iterator[str]:
        """
        What of somebody stands in *text*: an email address, a phone number, a name.
        """
        exact = {text}
        if "\n" in text:  # as mails are folded, and base64 in them
            exact.add(_FOLDED.sub("", text))
        folded = {each.casefold() for each in exact}
        digits = {_GAP.sub("", each) for each in folded}
        for kind, (words, codes) in self._forms.items():
            seen = folded | digits if kind == PHONE else folded
            if _any_in(words, seen) or _any_in(codes, exact):
                yield kind

    def masked(self, text: str) -> str:
        """
        *text* without any of them.
        """
        for word in self._whole:
            text = _without(word, text)
        for kind, (words, codes) in self._forms.items():
            for code in codes:
                text = text.replace(code, "***")
            if kind == PHONE and _any_in(words, {_GAP.sub("", text)}):
                text = _GAP.sub("", text)
            for word in words:
                text = _without(word, text)
        return text


def _without(word: str, text: str) -> str:
    folded = text.casefold()
    if len(folded) != len(text):  # a letter became two
        text = folded
    kept, at = [], 0
    while (found := folded.find(word, at)) >= 0:
        kept += [text[at:found], "***"]
        at = found + len(word)
    return "".join([*kept, text[at:]])


def _any_in(forms: Iterable[str], texts: Iterable[str]) -> bool:
    return any(form in text for text in texts for form in forms)


def _long_parts(text: str, separator: str) -> set[str]:
    return {part for part in re.split(separator, text) if len(part) >= _LONG}


def _national(phone: str) -> str:
    # The same digits follow a country's code and the zero that stands for it.
    return re.sub(r"\D", "", _COUNTRY.sub("", phone, count=1))


def _cases(text: str) -> set[str]:
    return {text, text.lower(), text.upper(), text.casefold()}


def _written(text: str) -> Iterator[str]:
    yield text
    yield quote(text, safe="")
    yield quote_plus(text)
    yield json.dumps(text)[1:-1]
    yield html.escape(text)
    raw = text.encode()
    yield quopri.encodestring(raw).decode("ascii")
    # Bytes are read as if each were a character.
    yield raw.decode("latin-1")
    yield text.encode("utf-16-le").decode("latin-1")
    yield text.encode("utf-16-be").decode("latin-1")
    for case in _cases(text):
        yield case.encode().hex()


def _coded(text: str) -> Iterator[str]:
    # Inside base64 it is written in three ways, by what stands before it; the
    # letters at both ends depend on its neighbours.
    for before in range(3):
        letters = base64.b64encode(b"\0" * before + text.encode()).decode("ascii")
        whole = letters.rstrip("=")
        inner = whole[4 if before else 0 : len(whole) - (whole != letters)]
        yield inner
        yield inner.translate({ord("+"): "-", ord("/"): "_"})
