"""
In how many ways a text can be meant as a phone number.

Theory of operation: phonenumbers reads a text in one way, by the rules of one
country, and people write by others: ``0055 51 ...`` is Brazil to most of the
world and Peru to Brazil, where ``00`` waits for a carrier; ``49 151 ...``
without a plus may be a German number or the same with its country code; a
``(0)`` is dialled inside the country, or never was.  A wrong reading is
somebody else's number.  So a text is read in every way in which it may be
meant.  It is a number if one of those to which they lead is of a kind that is
in use and the others are not.  If none is, and there is one only, it may be too
new to be known, provided that it begins with its country code or the prefix
that is dialled before an area code; without both it may be many people's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import attrs

from careof._values.numbering import is_plain_e164
from careof.errors import PhoneNumberError

PUNCTUATION = str.maketrans("", "", "().- ")
LONGEST = 15  # digits, with the country code: ITU-T E.164 §6.1
_ABROAD = "00"  # ITU-T E.164 recommends it to all countries as their way out
_OPTIONAL_ZERO = re.compile(r"\([ .-]*0[ .-]*\)")
_CODE_AND_ZERO = re.compile(rf"[^0-9+]*[1-9].*?{_OPTIONAL_ZERO.pattern}")


@attrs.frozen
class Reading:
    """
    What a text may stand for.

    Attributes:
        number: As phonenumbers has it.
    """

    e164: str
    number: Any

    def is_valid(self) -> bool:
        """
        Whether numbers of this kind are in use, as far as phonenumbers knows.
        """
        import phonenumbers

        return phonenumbers.is_valid_number(self.number)


def has_optional_zero(text: str) -> bool:
    """
    Whether there is a zero in *text* that may be meant to be left out.
    """
    return _OPTIONAL_ZERO.search(text) is not None


def the_only_reading(text: str, region: str | None) -> str | PhoneNumberError:
    """
    The number in E.164 form that *text* stands for, or the error that says why there is none.
    """
    literal = _read(text, region)
    others = [_read(*way) for way in _other_ways(text, region)]
    readings = [each for each in (literal, *others) if isinstance(each, Reading)]
    found = {reading.e164 for reading in readings}
    if len(found) == 1 and _is_whole(text, literal):
        return found.pop()
    known = {reading.e164 for reading in readings if reading.is_valid()}
    if len(known) == 1:
        return known.pop()
    if known or (len(found) > 1 and not isinstance(literal, PhoneNumberError)):
        return _two_numbers()
    if isinstance(literal, PhoneNumberError):
        return literal
    return no_number(
        "no number like this is in use in that region; is its area code missing, or a + and the "
        "country code?"
    )


def _other_ways(text: str, region: str | None) -> Iterator[tuple[str, str | None]]:
    import phonenumbers

    without_zero = _OPTIONAL_ZERO.sub("", text)
    if without_zero != text:
        yield without_zero, region
    if region is None:
        return
    code = str(phonenumbers.country_code_for_region(region))
    # What stands before an optional zero is the code of a country, perhaps of another one.
    has_code = _CODE_AND_ZERO.match(text) is not None
    for digits in dict.fromkeys(each.translate(PUNCTUATION) for each in (text, without_zero)):
        if digits.startswith(_ABROAD):
            yield f"+{digits.removeprefix(_ABROAD)}", None
        if digits.startswith(code) or has_code:
            yield f"+{digits}", None


def _read(text: str, region: str | None) -> Reading | PhoneNumberError:
    import phonenumbers

    number = _parsed(text, region)
    if number is None:
        return no_number(
            "expected a leading + and a country code, or a region to read it in"
            if region is None
            else "expected a number of that region, or a leading + and a country code"
        )
    if number.extension:
        return no_number("expected a number without an extension")
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return no_number("no number of that country has this length")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    reading = Reading(e164, number)
    if text.translate(PUNCTUATION).startswith("+") and not _is_whole(text, reading):
        # Something else was taken off, such as the number of a carrier.
        return _two_numbers()
    return reading if is_plain_e164(e164) else _judged(reading)


def _judged(reading: Reading) -> Reading | PhoneNumberError:
    # What the table does not vouch for, phonenumbers is asked about.
    import phonenumbers

    if len(reading.e164) > 1 + LONGEST:
        return no_number(f"expected {LONGEST} digits at most, with the country code")
    if not reading.is_valid():
        if phonenumbers.is_possible_short_number(reading.number):
            return no_number("this is a short code, which nobody can dial from abroad")
        national = phonenumbers.national_significant_number(reading.number)
        if national.startswith(("0", _prefix(reading) or "0")):
            return no_number("it is cut, or has too many zeros at its beginning")
    return reading if _parsed(reading.e164, None) == reading.number else _two_numbers()


def _is_whole(text: str, reading: Reading | PhoneNumberError) -> bool:
    # Whether nothing is missing, and nothing is there that does not belong to it.
    if isinstance(reading, PhoneNumberError):
        return False
    digits, code = text.translate(PUNCTUATION), f"+{reading.number.country_code}"
    if digits.removeprefix("+").removeprefix(_ABROAD) == reading.e164[1:]:
        return True
    prefix, national = _prefix(reading), reading.e164.removeprefix(code)
    return prefix != "" and digits.removeprefix(code) == prefix + national


def _prefix(reading: Reading) -> str:
    # What is dialled before a number inside its country only.
    import phonenumbers

    country = phonenumbers.region_code_for_country_code(reading.number.country_code)
    return phonenumbers.ndd_prefix_for_region(country, strip_non_digits=True) or ""


def _parsed(text: str, region: str | None) -> Any:
    import phonenumbers

    try:
        return phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None


def no_number(expected: str) -> PhoneNumberError:
    """
    The error of a text that is no phone number.
    """
    return PhoneNumberError(f"This is not a phone number: {expected}.", detail="phone_number")


def _two_numbers() -> PhoneNumberError:
    return no_number(
        "it can be read as two numbers; write it with + and the country code, and without the 0 "
        "or other prefix that is dialled inside the country"
    )
