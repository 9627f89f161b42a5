from __future__ import annotations

import random
import re

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, PhoneNumberType

from careof import PhoneNumber
from careof._values import readings
from careof._values.phone_numbers import read_e164, read_phone_number, refuse_region
from careof.errors import ConfigurationError, PhoneNumberError
from tests import strategies
from tests.support.canary import PHONE, every_view_of_error, frames_of, seen_in
from tests.support.raising import error_of

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
LENGTH = "no number of that country has this length"
SHORT_CODE = "this is a short code"
TWO_NUMBERS = "it can be read as two numbers"
CUT = "it is cut, or has too many zeros"
TOO_LONG = "expected 15 digits at most"
# A number that is dialled in Canada without an area code, and from nowhere else.
NOT_FROM_ABROAD = {("CA", PhoneNumberType.UAN)}
KINDS_OF_SHORT = [
    *("general_desc", "toll_free", "premium_rate", "emergency", "short_code"),
    *("standard_rate", "carrier_specific", "sms_services"),
]


@pytest.mark.parametrize(
    "text, region, number",
    [
        (PHONE, None, PHONE),
        ("+44 20 7946 0018", None, PHONE),
        ("+44 (0)20 7946-0018", None, PHONE),
        ("(+44) 20.7946.0018", None, PHONE),
        ("+44 020 7946 0018", None, PHONE),
        ("+4402079460018", None, PHONE),
        ("+4402079460018", "DE", PHONE),
        ("020 7946 0018", "GB", PHONE),
        ("20 7946 0018", "GB", PHONE),
        ("0044 20 7946 0018", "GB", PHONE),
        ("011 44 20 7946 0018", "US", PHONE),
        ("+44 20 7946 0018", "US", PHONE),
        ("06 1234 5678", "IT", "+390612345678"),
        ("+39 06 1234 5678", None, "+390612345678"),
        ("202-555-0123", "US", "+12025550123"),
        ("1-202-555-0123", "CA", "+12025550123"),
        ("0170 1234567", "DE", "+491701234567"),
        ("011 15-2345-6789", "AR", "+5491123456789"),
        ("+491234567890123", None, "+491234567890123"),
        ("+44 20 7946 0018" + " " * 24, None, PHONE),  # 40 characters
    ],
)
def test_a_phone_number_is_read_as_e164(text, region, number):
    assert PhoneNumber.parse(text, region).reveal() == number


@pytest.mark.parametrize(
    "text, region, problem",
    [
        ("", None, "expected 3 to 15 digits"),
        ("12", "GB", "expected 3 to 15 digits"),
        ("+", "GB", "expected 3 to 15 digits"),
        ("---", "GB", "expected 3 to 15 digits"),
        ("020 7946 0018", None, "or a region"),
        ("0044 20 7946 0018", None, "or a region"),
        ("020 7946 0018", "UK", "expected a number of that region"),
        ("020 7946 0018", "gb", "expected a number of that region"),
        ("020 7946 0018", "001", "expected a number of that region"),
        ("020 7946 0018", ["GB"], "expected a region"),
        ("020 7946 0018", b"GB", "expected a region"),
        ("12-34-5+6789", "GB", "leading"),
        ("+44 20 7946 0018+15551234567", None, "leading"),
        ("+999 123 456 789", None, "leading"),
        ("+44 20 7946 0018 x5", None, "expected digits"),
        ("+44 20 7946 0018 ext. 5", None, "expected digits"),
        ("+44 20 7946 0018;ext=5", None, "expected digits"),
        ("+1 202 555 0123#5", None, "expected digits"),
        ("+44 20 7946 0018,5", None, "expected digits"),
        ("+49 30 123456/57", None, "expected digits"),
        ("+49 30 12345 - 678 / 679", None, "expected digits"),
        ("+1 800 FLOWERS", None, "expected digits"),
        ("+\u0664\u06642079460018", None, "expected digits"),
        ("\uff0b442079460018", None, "expected digits"),
        ("+44 20 7946 001\u0668", None, "expected digits"),
        ("+44\u00a02079460018", None, "expected digits"),
        ("+442079460018\n", None, "expected digits"),
        ("tel:+442079460018", None, "expected digits"),
        ("20 7946 0018" + " " * 29, "GB", "expected 3 to 15 digits"),
        ("+44 20 7946 0018" + " " * 25, None, "expected 3 to 15 digits"),
        ("+1234", None, "length"),
        ("+4420794600181234567", None, "length"),
        ("555 0123", "US", "length"),
        ("+" + "4" * 100_000, None, "expected 3 to 15 digits"),
        (442079460018, None, "expected a text"),
        (b"+442079460018", None, "expected a text"),
        (None, "GB", "expected a text"),
    ],
)
def test_what_is_not_exactly_one_dialable_number_is_refused(text, region, problem):
    with pytest.raises(PhoneNumberError, match=problem) as caught:
        PhoneNumber.parse(text, region)

    assert caught.value.detail == "phone_number"


@pytest.mark.parametrize(
    "text, region, problem",
    [
        ("116117", "DE", SHORT_CODE),
        ("+49 116117", None, SHORT_CODE),
        ("11833", "DE", SHORT_CODE),
        ("+49 11833", None, SHORT_CODE),
        ("911", "US", LENGTH),
        ("+1 911", None, LENGTH),
        ("911", "DE", LENGTH),
        ("112", "GB", LENGTH),
        ("+44 112", None, LENGTH),
        ("60777", "GB", LENGTH),
        ("+44 60777", None, LENGTH),
    ],
)
def test_a_short_code_is_refused(text, region, problem):
    assert problem in str(read_e164(text, region))


def short_codes_of(region):
    metadata = PhoneMetadata.short_metadata_for_region(region)
    kinds = [getattr(metadata, kind, None) for kind in KINDS_OF_SHORT]
    return {kind.example_number for kind in kinds if kind is not None and kind.example_number}


@pytest.mark.parametrize("region", REGIONS)
def test_the_short_codes_of_a_region_are_refused(region):
    code = phonenumbers.country_code_for_region(region)
    accepted = {
        (region, short)
        for short in short_codes_of(region)
        for text in (short, f"+{code}{short}")
        if isinstance(read_e164(text, region), str)
    }

    assert accepted == set()


def test_what_would_be_another_number_when_it_is_read_again_is_refused(monkeypatch):
    """
    None is known today that comes so far; this is the second lock.
    """
    number, again = "+541123456789", phonenumbers.parse("+541123456780")
    before = readings._parsed
    monkeypatch.setattr(
        readings, "_parsed", lambda text, region: again if text == number else before(text, region)
    )

    assert TWO_NUMBERS in str(read_e164("011 2345-6789", "AR"))


def test_what_only_says_that_it_is_a_text_is_refused():
    """
    As a proxy does, or a text that is translated when it is needed.
    """

    class Proxy:
        __class__ = str

    assert "expected a text" in str(read_e164(Proxy(), None))


def test_a_number_that_is_valid_is_no_short_code(monkeypatch):
    """
    None that is both is known today, but tables change.
    """
    monkeypatch.setattr(phonenumbers, "is_possible_short_number", lambda number: True)

    assert read_e164("+541123456789", None) == "+541123456789"


@pytest.mark.parametrize(
    "text, region",
    [
        ("123456789012345", "DE"),
        ("012345678901234", "DE"),
        ("+49 1234 5678 9012 34", None),
        ("+4912345678901234", None),
    ],
)
def test_a_number_of_more_than_fifteen_digits_is_refused(text, region):
    assert TOO_LONG in str(read_e164(text, region))


@pytest.mark.parametrize(
    "text, region, problem",
    [
        # 00 is the way abroad nearly everywhere, and here it waits for a carrier.
        ("0055 51 99123-4567", "BR", TWO_NUMBERS),
        ("0082 1690070555", "KR", TWO_NUMBERS),
        ("0066 23123087", "TH", TWO_NUMBERS),
        ("0057 3018185810", "CO", TWO_NUMBERS),
        # Its own country code, or the number itself.
        ("4915123496265", "DE", TWO_NUMBERS),
        ("62218350843", "ID", TWO_NUMBERS),
        # A mobile number without the zero, and a landline with it.
        ("+39 (0)312 345 6789", None, TWO_NUMBERS),
        ("+39 ( 0 ) 312 345 6789", None, TWO_NUMBERS),
        ("0039 (0)312 345 6789", "US", TWO_NUMBERS),
        ("00240 (0)333091236", "TH", TWO_NUMBERS),
        # The code of Panama, or an area of the United States.
        ("507 (0)2001824", "US", TWO_NUMBERS),
        # Neither is in use, as far as the tables know, which may not know it yet.
        ("00573966597170", "CO", TWO_NUMBERS),
        ("38195433194", "RS", TWO_NUMBERS),
        # The code of a carrier.
        ("+86 1 131 2345 6789", None, TWO_NUMBERS),
        ("+54 11 15 2345 6789", None, TWO_NUMBERS),
    ],
)
def test_what_can_be_read_as_two_numbers_is_refused(text, region, problem):
    assert problem in str(read_e164(text, region))


@pytest.mark.parametrize(
    "text, region, number",
    [
        ("0055 11 96123-4567", "DE", "+5511961234567"),
        ("0044 20 7946 0018", "US", PHONE),
        ("0044 20 7946 0018", "BR", PHONE),
        ("442079460018", "GB", PHONE),
        ("1 202 555 0123", "US", "+12025550123"),
        ("+39 (0)6 1234 5678", None, "+390612345678"),
        ("+34 (0)912 34 56 78", None, "+34912345678"),
        ("+44 (0)020 7946 0018", None, PHONE),
        ("(0)20 7946 0018", "GB", PHONE),
        ("44 (0)20 7946 0018", "GB", PHONE),
        ("44 (0)20 7946 0018", "FR", PHONE),
        ("+48 (0)22 123 45 67", None, "+48221234567"),
        ("0049 ( 0 ) 170 1234567", "US", "+491701234567"),
        ("0049 (0)170 1234567", "BR", "+491701234567"),
        ("+7 (0)912 345-67-89", None, "+79123456789"),
        ("+7 8 800 555 35 35", None, "+78005553535"),
        ("+36 06 1 234 5678", None, "+3612345678"),
    ],
)
def test_a_text_with_several_ways_to_read_it_and_one_number_is_that_number(text, region, number):
    assert read_e164(text, region) == number


@pytest.mark.parametrize(
    "text, region",
    [
        ("1234-5678", "BR"),
        ("946 0018", "GB"),
        ("518 1234", "CW"),
        ("7700 900123", "GB"),
    ],
)
def test_a_number_that_may_lack_its_area_code_is_refused(text, region):
    assert "is its area code missing" in str(read_e164(text, region))


@pytest.mark.parametrize(
    "text, region",
    [
        ("07700 900123", "GB"),
        ("0044 7700 900123", "GB"),
        ("447700900123", "GB"),
        ("+44 7700 900123", None),
        ("+44 (0)7700 900123", None),
    ],
)
def test_a_number_that_nobody_knows_is_read_with_its_prefix_or_code(text, region):
    """
    As it may be too new; those that are kept for fiction are such.
    """
    assert read_e164(text, region) == "+447700900123"


@pytest.mark.parametrize(
    "text, region",
    [
        ("4930123456.0", "DE"),
        ("30123456.0", "DE"),
        ("+4930123049.0", None),
        ("442079460018.0", "GB"),
        ("+442079460018.0 ", None),
        ("-3012336", "DE"),
        (" -3012336", "DE"),
        (".442079460018", "GB"),
    ],
)
def test_what_a_spreadsheet_makes_of_a_number_is_refused(text, region):
    """
    A zero would be one digit more, and a difference other digits: somebody else's number.
    """
    assert "a decimal or the result of a sum" in str(read_e164(text, region))


def test_a_number_may_end_in_two_zeros_behind_a_dot():
    assert read_e164("01.42.68.53.00", "FR") == "+33142685300"


@pytest.mark.parametrize(
    "text, region, problem",
    [
        ("020 7946", "GB", CUT),
        ("0938800554", "JE", CUT),
        ("+7 890 123-45-67", None, CUT),
        # Poland had a zero there until 2009.
        ("022 123 45 67", "PL", CUT),
        ("+48 (022) 123 45 67", None, CUT),
        ("+48 (0-22) 123 45 67", None, CUT),
        ("+44 00 20 7946 0018", None, LENGTH),
    ],
)
def test_a_number_that_is_cut_is_not_made_whole_with_its_prefix(text, region, problem):
    assert problem in str(read_e164(text, region))


@pytest.mark.parametrize(
    "example",
    [
        (region, kind)
        for region in REGIONS
        for kind in PhoneNumberType.values()
        if phonenumbers.example_number_for_type(region, kind) is not None
    ],
    ids=lambda example: f"{example[0]}-{PhoneNumberType.to_string(example[1])}",
)
def test_an_example_of_the_library_is_read_as_itself_however_it_is_written(example):
    region, kind = example
    number = phonenumbers.example_number_for_type(region, kind)
    e164, international, national = (
        phonenumbers.format_number(number, form)
        for form in (
            PhoneNumberFormat.E164,
            PhoneNumberFormat.INTERNATIONAL,
            PhoneNumberFormat.NATIONAL,
        )
    )
    outcomes = {read_e164(e164, None), read_e164(international, None), read_e164(national, region)}

    if example in NOT_FROM_ABROAD:
        assert {type(outcome) for outcome in outcomes} == {PhoneNumberError}
    else:
        assert outcomes == {e164}


@pytest.mark.parametrize("code", phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS)
def test_an_example_of_no_country_is_read_as_itself(code):
    number = phonenumbers.example_number_for_non_geo_entity(code)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)

    assert {read_e164(e164, region) for region in (None, "GB", "US")} == {e164}


def national_text(region, chance):
    """
    Digits as long as a number of *region*, behind what one may dial first there.
    """
    metadata = PhoneMetadata.metadata_for_region(region)
    code = phonenumbers.country_code_for_region(region)
    first = ["", metadata.national_prefix or "0", "0", "00", "1", "8", "15", f"{code}", f"+{code}"]
    length = chance.choice(metadata.general_desc.possible_length) + chance.choice([0, 0, 0, 1, -1])
    return chance.choice(first) + "".join(chance.choices("0123456789", k=length))


def is_read_as_itself(e164, regions):
    return {read_e164(e164, region) for region in regions} == {e164}


@pytest.mark.parametrize("region", REGIONS)
def test_what_a_region_has_accepted_is_read_as_itself_again(region):
    chance = random.Random(region)
    texts = [national_text(region, chance) for _ in range(60)]
    accepted = [e164 for text in texts if isinstance(e164 := read_e164(text, region), str)]

    assert accepted
    assert [e for e in accepted if not is_read_as_itself(e, [None, region, "US"])] == []


@settings(max_examples=300)
@given(st.sampled_from(REGIONS), st.integers(0, 2**32))
def test_what_is_accepted_is_read_as_itself_again_in_every_region(region, seed):
    outcome = read_e164(national_text(region, random.Random(seed)), region)

    assert isinstance(outcome, PhoneNumberError) or is_read_as_itself(outcome, [None, *REGIONS])


def test_an_extension_that_the_library_would_find_is_refused(monkeypatch):
    """
    The characters that begin one are refused first; this is the second lock.
    """
    number = phonenumbers.parse("+442079460018 x5")
    monkeypatch.setattr(phonenumbers, "parse", lambda text, region: number)

    with pytest.raises(PhoneNumberError, match="without an extension"):
        PhoneNumber.parse("020 7946 0018", "GB")


@pytest.mark.parametrize("text", [PHONE, "+44 20 7946 0018", "(+44) 20-7946.0018"])
def test_nobody_else_is_asked_what_a_plain_number_is(monkeypatch, text):
    monkeypatch.setattr(phonenumbers, "parse", None)

    assert PhoneNumber.parse(text, "DE").reveal() == PHONE


def test_phone_numbers_are_equal_by_value_however_they_were_written():
    assert PhoneNumber.parse("020 7946 0018", "GB") == PhoneNumber.parse(PHONE)
    assert len({PhoneNumber.parse("020 7946 0018", "GB"), PhoneNumber.parse(PHONE)}) == 1


@pytest.mark.parametrize("text", [PHONE, "+44 (0)20 7946 0018"])
def test_a_sealed_number_is_read_like_its_text(text):
    assert read_e164(PhoneNumber(text), None) == PHONE


@pytest.mark.parametrize("text", [PHONE, "+44 (0)20 7946 0018"])
def test_a_text_of_another_class_is_not_kept(text):
    class Text(str):
        __slots__ = ()

    outcome = read_e164(Text(text), None)

    assert (type(outcome), outcome) == (str, PHONE)


@pytest.mark.parametrize("region", ["UK", "gb", "", 5, "001", "GBR", b"GB", ["GB"]])
def test_what_is_no_region_is_refused(region):
    error = refuse_region(region, "the region")

    assert isinstance(error, ConfigurationError)
    assert str(error).startswith("the region: expected the country of numbers without +")


@pytest.mark.parametrize("region", [None, *REGIONS])
def test_a_country_or_none_is_a_region(region):
    assert refuse_region(region, "the region") is None


@settings(max_examples=25)
@given(number=strategies.phones, spoilt=st.sampled_from(["{}x5", "{}/{}", "00{}", "{}\n", "{}0"]))
def test_no_error_holds_the_number(number, spoilt):
    error = error_of(PhoneNumber.parse, spoilt.format(number, number))

    assert seen_in(every_view_of_error(error), [number, number[1:]]) == []


@pytest.mark.parametrize(
    "text, region, problem",
    [
        ("+44 2079460018 x5", None, "expected digits"),
        ("2079460018", None, "or a region"),
        ("2079460018", ["GB"], "a region of two letters"),
        ("+44 20794600181", None, LENGTH),
        ("+49 1234567890123456", None, LENGTH),
        ("+49 12345678901234", None, TOO_LONG),
        ("+49 116117", None, SHORT_CODE),
        ("0938800554", "JE", CUT),
        ("0055 51 99123-4567", "BR", TWO_NUMBERS),
    ],
)
def test_a_reason_repeats_no_number_and_no_frame_holds_it(text, region, problem):
    error = error_of(PhoneNumber.parse, text, region)
    digits = max(re.findall("[0-9]+", text), key=len)

    assert problem in str(error)
    assert seen_in(every_view_of_error(error), [text, digits, digits[1:]]) == []
    assert list(frames_of(error)) == ["parse", "unwrap"]
    assert (error.__cause__, error.__context__) == (None, None)


def test_an_error_of_a_stranger_leaves_the_number_behind(monkeypatch):
    """
    Ctrl-C, for one, may come while the library works.
    """

    def parse(text, region):
        number = text
        raise RuntimeError(len(number))

    monkeypatch.setattr(phonenumbers, "parse", parse)
    error = error_of(PhoneNumber.parse, "2079460018", "GB")

    assert isinstance(error, RuntimeError)
    assert seen_in(every_view_of_error(error), ["2079460018"]) == []


@pytest.mark.parametrize("text", [PHONE, "+44 (0)20 7946 0018"])
def test_a_number_that_was_read_is_sealed(text):
    assert read_phone_number(text, None) == PhoneNumber(PHONE)
