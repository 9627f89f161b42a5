"""
Phone numbers.

Theory of operation: one number has one text, its E.164 form, however it was
written: its pseudonym is made of that text, and an invitation goes there.  So
whatever comes out of here is read as itself when it is read again, by anybody.
"""

from __future__ import annotations

import re

from careof._values.numbering import is_plain_e164
from careof._values.readings import (
    LONGEST,
    PUNCTUATION,
    has_optional_zero,
    no_number,
    the_only_reading,
)
from careof._values.sealed import Sealed
from careof._values.unwrap import Unseen, unwrap
from careof.errors import ConfigurationError, PhoneNumberError

# Letters would be vanity numbers or extensions, other digits another script's:
# both are read differently by different libraries, so neither is read at all.
# A slash often stands between two numbers, which would be read as one.
_PHONE_TEXT = re.compile(r"[0-9+().\- ]*", re.ASCII)
_FEWEST = 3  # digits
_LONGEST_TEXT = 40  # characters
_DECIMAL = ".0"  # at the end of a whole number that a spreadsheet holds as a float


class PhoneNumber(Sealed):
    """
    A sealed phone number in E.164 form; equal and hashable by value.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, region: str | None = None) -> PhoneNumber:
        """
        Read *text* as one phone number that can be dialled from everywhere.

        Args:
            region: The country (ISO 3166-1 alpha-2, such as ``"GB"``) of numbers
                that are written without ``+``.  Without it they are refused.

        Raises:
            PhoneNumberError: It is none, or could be two.  The message does not
                repeat it.
        """
        with Unseen():
            outcome = read_phone_number(text, region)
        del text  # a traceback with locals would show it
        return unwrap(outcome)


def read_phone_number(text: object, region: str | None) -> PhoneNumber | PhoneNumberError:
    """
    A number, or the error that says why there is none.
    """
    outcome = read_e164(text, region)
    return outcome if isinstance(outcome, PhoneNumberError) else PhoneNumber(outcome)


def read_e164(phone: object, region: str | None) -> str | PhoneNumberError:
    """
    The number in E.164 form, or the error that says why there is none.
    """
    if type(phone) is str and is_plain_e164(phone):
        return phone
    text = phone.reveal() if isinstance(phone, PhoneNumber) else phone
    # By its type: a proxy only says that it is a str.
    if not issubclass(type(text), str):
        return no_number("expected a text (str)")
    text = str.__str__(text)
    if not _PHONE_TEXT.fullmatch(text):
        return no_number(
            "expected digits, spaces, dots, hyphens and brackets only, after a + if there is one: "
            "no extension and no second number"
        )
    digits = text.translate(PUNCTUATION)
    if len(digits) < _FEWEST or len(text) > _LONGEST_TEXT:
        return no_number(f"expected {_FEWEST} to {LONGEST} digits")
    if text.rstrip().endswith(_DECIMAL) or text.lstrip().startswith(("-", ".")):
        return no_number(
            "it looks like a decimal or the result of a sum, as spreadsheets make them of phone "
            "numbers; export the column as text"
        )
    if is_plain_e164(digits) and not has_optional_zero(text):
        return digits
    if not isinstance(region, str | None):
        return no_number("expected a region of two letters, or None")
    return the_only_reading(text, region)


def refuse_region(region: object, parameter: str) -> ConfigurationError | None:
    """
    The reason why *region* is refused, or None.
    """
    if region is not None:
        import phonenumbers

        if not isinstance(region, str) or region not in phonenumbers.SUPPORTED_REGIONS:
            return ConfigurationError(
                f"{parameter}: expected the country of numbers without +, by its two capital "
                'letters of ISO 3166-1, such as "GB" (not "UK"), or None.'
            )
    return None
