"""
In how many ways a text can be meant as a phone number.

Theory of operation: phonenumbers reads a text in one way, by the rules of one
country, and people write by others: ``0055 51 ...`` is Brazil to most of the
world and Peru to Brazil, where ``00`` waits for a carrier; ``49 151 ...``
without a plus may be a German number or the same with its country code.  A
wrong reading is somebody else's number.  So a text is read in every way in
which it may be meant, and stands for a number only if one of the ways leads to
a number of a kind that is in use, or if there is one way only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import attrs

from careof._values.numbering import LONGEST, is_plain_e164
from careof.errors import PhoneNumberError

PUNCTUATION = str.maketrans("", "", "().- ")
SHORT_CODE = 8  # digits at most
OPTIONAL_ZERO = "(0)"  # dialled inside the country only, in most countries
_ABROAD = "00"  # ITU-T E.164 recommends it to all countries as their way out


@attrs.frozen
class Reading:
    """
    What a text may stand for.

    Args:
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


def the_only_reading(text: str, region: str | None) -> str | PhoneNumberError:
    """
    The number in E.164 form that *text* stands for, or the error that says why there is none.
    """
    literal = _read(text, region)
    ways = [_read(*way) for way in _other_ways(text, region)]
    if not ways:
        return literal if isinstance(literal, PhoneNumberError) else literal.e164
    known = {
        reading.e164
        for reading in (literal, *ways)
        if isinstance(reading, Reading) and reading.is_valid()
    }
    if len(known) == 1:
        return known.pop()
    if known:
        return _two_numbers()
    return literal if isinstance(literal, PhoneNumberError) else literal.e164


def _other_ways(text: str, region: str | None) -> Iterator[tuple[str, str | None]]:
    import phonenumbers

    if OPTIONAL_ZERO in text:
        yield text.replace(OPTIONAL_ZERO, ""), region
    digits = text.translate(PUNCTUATION)
    if region is not None and not digits.startswith("+"):
        if digits.startswith(_ABROAD):
            yield f"+{digits.removeprefix(_ABROAD)}", None
        if digits.startswith(str(phonenumbers.country_code_for_region(region))):
            yield f"+{digits}", None


def _read(text: str, region: str | None) -> Reading | PhoneNumberError:
    import phonenumbers

    number = _parsed(text, region)
    if number is None:
        return no_number("expected a leading + and a country code, or a region to read it in")
    if number.extension:
        return no_number("expected a number without an extension")
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return no_number("no number of that country has this length")
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    reading = Reading(e164, number)
    written = text.translate(PUNCTUATION)
    if written.startswith("+") and written not in (e164, _with_prefix(reading)):
        # Something else was taken off, such as the number of a carrier.
        return _two_numbers()
    return reading if is_plain_e164(e164) else _judged(reading)


def _judged(reading: Reading) -> Reading | PhoneNumberError:
    # What does not stand for itself beyond doubt, number by number.
    import phonenumbers

    if len(reading.e164) > 1 + LONGEST:
        return no_number(f"expected {LONGEST} digits at most, with the country code")
    if not reading.is_valid():
        number = reading.number
        if _length(number) <= SHORT_CODE and phonenumbers.is_possible_short_number(number):
            return no_number("this is a short code, which nobody can dial from abroad")
        if _begins_with_prefix(reading):
            return no_number("it is cut, or has too many zeros at its beginning")
    return reading if _parsed(reading.e164, None) == reading.number else _two_numbers()


def _with_prefix(reading: Reading) -> str:
    code = str(reading.number.country_code)
    return f"+{code}{_prefix(reading)}{reading.e164[1 + len(code) :]}"


def _begins_with_prefix(reading: Reading) -> bool:
    code, prefix = str(reading.number.country_code), _prefix(reading)
    return bool(prefix) and reading.e164.startswith(f"+{code}{prefix}")


def _length(number: Any) -> int:
    import phonenumbers

    return len(phonenumbers.national_significant_number(number))


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
