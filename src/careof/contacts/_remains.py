"""
A person's own address, looked for in what is left of their record.

Theory of operation: who stored an address in one field has often copied it into
another one, a user name or a note.  Here it is known what to look for, so it is
found in any spelling that keeps its signs: without regard to capitals, wide or
invisible signs, quoted for a URL, and a number by its last digits, whatever
stands between them.  What
is not known, such as the address of somebody else in a note, is for
``preflight`` to find.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from careof._values.phone_numbers import PhoneNumber
from careof._values.sealed import Sealed
from careof.contacts._looking import INVISIBLE
from careof.errors import CareofError, ConfigurationError, EmailAddressError, PhoneNumberError

MOST = 100_000  # values inside of one record
_DIGITS = 8  # at the end of a number; in front the country or a zero may be missing
_BETWEEN = re.compile(r"[\W_]+")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_ -]{0,39}", re.ASCII)


def refuse_remains(
    record: Mapping[str, Any], texts: list[str], phone: PhoneNumber | None
) -> CareofError | None:
    """
    The error that says in which field of *record* an address has remained, or None.

    Args:
        texts: The email address, in each of its spellings.
        phone: The number.
    """
    emails = {_folded(text) for text in texts}
    digits = phone.reveal()[-_DIGITS:].lstrip("+") if phone else ""
    for name, value in record.items():
        for count, text in enumerate(_texts_in((name, value))):
            if count > MOST:
                return ConfigurationError(
                    f"{shown(name)} of this record has more than {MOST:,} values inside, which "
                    "nobody looks through: drop it.",
                    detail="record",
                )
            folded = _folded(unquote(text))
            if "@" in folded and any(email in folded for email in emails):
                return EmailAddressError(
                    f"{shown(name)} of this record holds the email address as well: drop it, "
                    "clear it, or give it to the customer as an attribute.",
                    detail="email_left",
                )
            if digits and digits in _BETWEEN.sub("", folded):
                return PhoneNumberError(
                    f"{shown(name)} of this record holds the phone number as well: drop it, "
                    "clear it, or give it to the customer as an attribute.",
                    detail="phone_left",
                )
    return None


def shown(name: object) -> str:
    """
    A field by its name, if that can be one and not a person.
    """
    is_name = isinstance(name, str) and _NAME.fullmatch(name) is not None
    return f"the field {name}" if is_name else "a field"


def _folded(text: str) -> str:
    if not text.isascii():
        text = INVISIBLE.sub("", unicodedata.normalize("NFKC", text))
    return text.casefold()


def _texts_in(value: Any) -> Iterator[str]:
    # Without recursion: how deep it is, and whether it holds itself, is the host's affair.
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, bytes | bytearray):
            yield one.decode("latin-1")
        elif isinstance(one, Sealed):
            yield one.reveal()
        elif isinstance(one, Mapping):
            waiting += [*one.keys(), *one.values()]
            yield ""  # that counts as well
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
            yield ""
        elif isinstance(one, int | float | Decimal):
            yield str(one)
