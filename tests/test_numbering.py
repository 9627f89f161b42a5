from __future__ import annotations

import functools
import itertools
import random
import re

import numpy as np
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careof import PhoneNumber
from careof._values.numbering import are_plain_e164, is_plain_e164, lengths_by_beginning
from careof._values.phone_numbers import read_e164
from careof._values.readings import has_optional_zero, the_only_reading
from careof.errors import PhoneNumberError
from careof.pseudonyms import _packing
from tests.support import numbering

REGIONS = [None, *sorted(phonenumbers.SUPPORTED_REGIONS)]
BEGINNINGS = sorted(lengths_by_beginning())
NUMBER = "+442079460018"
DERIVED_FROM = "9.0.43"  # the release of phonenumbers whose tables are ours as well


class Text(str):
    __slots__ = ()


def agrees(outcome, number):
    """
    Whether the library reads *number* as itself.

    A later one may know no such number any more.  Another number it must never read.
    """
    if phonenumbers.__version__ != DERIVED_FROM and isinstance(outcome, PhoneNumberError):
        return True
    return outcome == number


def lengths_of(mask):
    return [length for length in range(mask.bit_length()) if mask >> length & 1]


def beginnings_of(code):
    front = f"+{code}"
    return {
        beginning: mask
        for beginning, mask in lengths_by_beginning().items()
        if beginning.startswith(front)
    }


def some_plain_numbers(seed, count):
    chance = random.Random(seed)
    return [plain_number(chance) for _ in range(count)]


def plain_number(chance):
    beginning = chance.choice(BEGINNINGS)
    return filled(beginning, chance.choice(lengths_of(lengths_by_beginning()[beginning])), chance)


def filled(beginning, length, chance):
    rest = length - len(beginning)
    return f"{beginning}{chance.randrange(10**rest):0{rest}}"


# Drawn by chance and not by Hypothesis, which takes a millisecond for each.
seeds = st.integers(0, 2**32)
plain_numbers = seeds.map(lambda seed: plain_number(random.Random(seed)))
plain_lists = st.builds(some_plain_numbers, seeds, st.integers(0, 40))
# Any digits behind a country code, those first that a prefix begins with.
numbers = st.builds(
    "+{}{}{}".format,
    st.sampled_from(numbering.COUNTRY_CODES),
    st.sampled_from(["", "", "0", "00", "1", "8", "9", "15"]),
    st.text(st.sampled_from("0123456789"), min_size=2, max_size=14),
)


@st.composite
def punctuated(draw, originals):
    """
    One of *originals* with spaces, dots, hyphens and brackets anywhere.
    """
    characters = [*draw(originals), ""]
    marks = st.lists(st.sampled_from(["", "", "", " ", ".", "-", "(", ")", " (", ") "]))
    spread = draw(marks)[: len(characters)]
    before = spread + [""] * (len(characters) - len(spread))
    if draw(st.booleans()):
        before.reverse()
    return "".join(mark + character for mark, character in zip(before, characters, strict=True))


@st.composite
def recut(draw):
    """
    Plain numbers one behind the other, cut apart anywhere.
    """
    between = draw(st.sampled_from(["", "", "\n", "+"]))
    together = between.join(draw(st.builds(some_plain_numbers, seeds, st.integers(2, 4))))
    places = sorted(draw(st.sets(st.integers(0, len(together)), max_size=4)))
    cuts = [0, *places, len(together)]
    return [together[begin:end] for begin, end in itertools.pairwise(cuts)]


def spoilt(number, at, odd, replaced):
    at %= len(number)
    return number[:at] + odd + number[at + replaced :]


spoilt_numbers = st.builds(
    spoilt,
    plain_numbers,
    st.integers(0, 15),
    st.sampled_from("\n\r\x00+\u0664\uff10\u00b2\ud800a,/: "),
    st.sampled_from([1, 1, 1, 0]),
)
oddities = st.one_of(
    numbers,
    punctuated(plain_numbers),
    plain_numbers.map(Text),
    plain_numbers.map(str.encode),
    plain_numbers.map(PhoneNumber.parse),
    spoilt_numbers,
    spoilt_numbers,
    spoilt_numbers,
    st.sampled_from([None, 0, 442079460018, "", "+", "\n", [NUMBER], "+" + "4" * 100_000]),
)
lists = st.one_of(
    plain_lists,
    st.builds(
        lambda plain, odd, seed: random.Random(seed).sample([*plain, odd], len(plain) + 1),
        plain_lists,
        oddities,
        seeds,
    ),
    recut(),
)


@pytest.mark.skipif(
    phonenumbers.__version__ != DERIVED_FROM,
    reason="phonenumbers has other tables; those tests below that call it say whether it matters",
)
@pytest.mark.parametrize("code", numbering.COUNTRY_CODES)
def test_the_table_says_of_a_country_code_what_phonenumbers_says(code):
    row = numbering.row_of(code)

    assert beginnings_of(code) == ({} if row is None else numbering.masks_of(code)), (
        f"in _PLANS, {code} should have "
        f"{'no row' if row is None else f'the row {row!r}'} with phonenumbers "
        f"{phonenumbers.__version__}; a pseudonym that exists must stay as it is"
    )


def test_the_table_says_nothing_of_any_other_country_code():
    codes = {beginning: codes_of(beginning) for beginning in BEGINNINGS}

    assert [beginning for beginning, found in codes.items() if len(found) != 1] == []


def codes_of(beginning):
    return [code for code in numbering.COUNTRY_CODES if beginning.startswith(f"+{code}")]


@pytest.mark.parametrize(
    "pattern, beginning, can_begin",
    [
        ("0", "0", True),
        ("0", "1", False),
        ("0", "01", True),
        ("01", "0", True),
        ("01", "00", False),
        ("0|1[1-3]", "12", True),
        ("0|1[1-3]", "14", False),
        ("0|1[1-3]", "1", True),
        ("(1)0", "10", True),
        ("(1)0", "2", False),
        ("0?5", "5", True),
        ("0?5", "05", True),
        ("0?5", "00", False),
        ("0{2}5", "005", True),
        ("0{2}5", "05", False),
        ("0{2,}5", "0000", True),
        (r"([3-8]\d{3})$|1", "4123", True),
        (r"([3-8]\d{3})$|1", "412", True),
        (r"([3-8]\d{3})$|1", "41234", False),
        ("[^0]1", "01", False),
        ("[^0]1", "21", True),
        (r"[^01]\d", "11", False),
        (r"[^01]\d", "21", True),
        (".5", "15", True),
        ("", "7", True),
        ("0?", "7", True),
    ],
)
def test_the_yardstick_reads_a_regular_expression(pattern, beginning, can_begin):
    assert numbering.can_begin(pattern, beginning) is can_begin


def test_a_country_code_whose_prefix_may_be_nothing_is_not_in_the_table():
    """
    In Argentina a 15 inside a number is moved, and then a 9 stands before it.
    """
    assert numbering.row_of(54) is None
    assert beginnings_of(54) == {}


def test_every_plain_number_has_seven_to_fifteen_digits():
    lengths = {length for mask in lengths_by_beginning().values() for length in lengths_of(mask)}

    assert min(lengths) == 1 + 7
    assert max(lengths) == 1 + 15


@pytest.mark.parametrize("code", numbering.COUNTRY_CODES)
def test_a_plain_number_of_each_beginning_and_length_is_what_the_library_reads(code):
    """
    With what may stand behind the beginning drawn anew for each, but not for each run.
    """
    chance = random.Random(code)
    for beginning, mask in beginnings_of(code).items():
        for length in lengths_of(mask):
            number = filled(beginning, length, chance)

            assert is_plain_e164(number)
            assert agrees(the_only_reading(number, chance.choice(REGIONS)), number)


@settings(max_examples=1000)
@given(numbers | plain_numbers, st.sampled_from(REGIONS))
def test_a_text_that_is_plain_is_what_the_library_reads(text, region):
    assert not is_plain_e164(text) or agrees(the_only_reading(text, region), text)


@settings(max_examples=1000)
@given(punctuated(plain_numbers | numbers), st.sampled_from(REGIONS))
def test_punctuation_is_nothing_to_the_library_where_it_is_nothing_to_us(text, region):
    digits = re.sub(r"[ .()-]", "", text)

    is_sum = text.lstrip().startswith((".", "-")) or text.rstrip().endswith(".0")
    if is_plain_e164(digits) and not has_optional_zero(text):
        assert agrees(the_only_reading(text, region), digits)
        assert is_sum or len(text) > 40 or read_e164(text, region) == digits


@pytest.mark.parametrize(
    "text, is_plain",
    [
        (NUMBER, True),
        ("+12025550123", True),
        ("+390612345678", True),
        ("+80012345678", True),
        ("+44207946001", True),  # nine digits, as some have there
        ("+4420794600", False),
        ("+4420794600181", False),
        ("+4402079460018", False),  # a prefix
        ("+441879460018", False),
        ("+112025550123", False),
        ("+73011234567", True),
        ("+78001234567", False),  # free of charge, or 8 as a prefix
        ("+541123456789", False),
        ("+2101234567", False),  # no country has this code
        ("+491234567", True),
        ("+491234567890123", True),
        ("+4912345678901234", False),
        ("+49116117", False),  # as long as a short code
        ("442079460018", False),
        ("++442079460018", False),
        ("+44207946+018", False),
        ("+44207946001\n", False),
        (f"{NUMBER}\n", False),
        (f" {NUMBER}", False),
        ("+44207946001\u0668", False),
        ("+44207946001\u00b2", False),
        ("+\u0664\u06642079460018", False),
        ("+44 2079460018", False),
        ("", False),
        ("+", False),
        ("+4420", False),
    ],
)
def test_a_text_is_a_number_beyond_doubt_or_not(text, is_plain):
    assert is_plain_e164(text) is is_plain


def all_are_plain(texts):
    """
    What is said of many, one by one; of none at all, nothing is said.
    """
    return bool(texts) and all(type(text) is str and is_plain_e164(text) for text in texts)


@settings(max_examples=1000)
@given(lists)
def test_many_are_plain_if_each_of_them_is_in_arrays_as_well(texts):
    are_plain = all_are_plain(texts)

    assert are_plain_e164(texts) is are_plain
    assert _packing.are_plain_e164(np, texts) is are_plain


def test_arrays_have_the_same_table():
    masks = [lengths_by_beginning().get(f"+{beginning:04}", 0) for beginning in range(10_000)]

    assert _packing._lengths().tolist() == masks


@pytest.mark.parametrize(
    "are_plain",
    [are_plain_e164, functools.partial(_packing.are_plain_e164, np)],
    ids=["one by one", "in arrays"],
)
@pytest.mark.parametrize(
    "texts",
    [
        [],
        [None],
        [NUMBER, None],
        [NUMBER, Text(NUMBER)],
        [NUMBER, NUMBER.encode()],
        [PhoneNumber.parse(NUMBER)],
        [NUMBER, ""],
        ["", NUMBER],
        ["+", "442079460018"],
        ["+442079460018+", "442079460018"],
        ["+4420", "79460018"],
        [f"{NUMBER}\n{NUMBER}"],
        [f"{NUMBER}\n", NUMBER],
        [f"\n{NUMBER}", NUMBER],
        [f"{NUMBER}\x00", NUMBER],
        ["+44207946\x00018"],
        ["+44207946\n0018", NUMBER],
        [NUMBER, "+44207946001\n"],
        [NUMBER, "+4420794600+8"],
        ["+4420794600/8"],
        ["+4420794600:8"],
        ["+44207946001\u0668"],
        ["+44207946001\u00b2"],
        ["+44207946001\ud800"],
        ["++42079460018"],
        ["+2101234567"],
        ["+4402079460018"],
        ["+4912345678901234"],
        [NUMBER, "+49123456789012345"],
        ["+44" + "2" * 29],  # 32 characters, and 64: a mask has 32 bits
        ["+44" + "2" * 61],
    ],
    ids=repr,
)
def test_many_are_not_plain_if_one_is_odd(are_plain, texts):
    assert are_plain(texts) is False
