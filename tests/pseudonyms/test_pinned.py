"""
Pseudonyms that stay as they are, whatever is released: ours, or tables of phonenumbers.

What stands in ``pinned.json`` was computed once, from RFC 2104, 5297 and 5869
alone, by a program that shared no line with careof.  Its numbers are kept for
fiction where a country has such, and else the ones that libphonenumber gives
as examples.  A difference is never mended there: hosts have stored these texts.
"""

from __future__ import annotations

import json
import pathlib

import pytest

from careof import PhoneNumber
from careof.pseudonyms import HmacPseudonymizer, KeyRing, SivPseudonymizer

PINNED = json.loads(pathlib.Path(__file__).with_name("pinned.json").read_text(encoding="utf-8"))
NUMBERS = [row["number"] for row in PINNED]
WRITTEN = [(*way, row) for row in PINNED for way in row["written"]]
RING = KeyRing({"k1": "k" * 43}, primary="k1")
SCHEMES = [HmacPseudonymizer, SivPseudonymizer]

each_scheme = pytest.mark.parametrize("scheme", SCHEMES)


def pinned(row, scheme):
    return row[scheme._scheme]


@pytest.mark.parametrize("row", PINNED, ids=NUMBERS)
def test_a_number_is_the_same_however_it_is_written(row):
    numbers = {PhoneNumber.parse(text, region).reveal() for text, region in row["written"]}

    assert numbers == {row["number"]}


@each_scheme
@pytest.mark.parametrize("row", PINNED, ids=NUMBERS)
def test_a_pseudonym_is_what_it_has_always_been(row, scheme):
    pseudonymizer = scheme(RING, "t")

    assert pseudonymizer.pseudonymize(row["number"]) == pinned(row, scheme)
    assert pseudonymizer.candidates(row["number"]) == [pinned(row, scheme)]
    assert pseudonymizer.matches(row["number"], pinned(row, scheme))


@each_scheme
def test_a_pseudonym_is_the_same_however_its_number_is_written(scheme):
    ours = [scheme(RING, "t", region=region).pseudonymize(text) for text, region, _ in WRITTEN]

    assert ours == [pinned(row, scheme) for _, _, row in WRITTEN]


@each_scheme
@pytest.mark.parametrize("count", [1, 3, len(PINNED)], ids=["one", "few", "all"])
def test_pseudonyms_of_many_are_what_they_have_always_been(scheme, count):
    ours = scheme(RING, "t").pseudonymize_many(NUMBERS[:count])

    assert ours == [pinned(row, scheme) for row in PINNED[:count]]


@pytest.mark.parametrize("row", PINNED, ids=NUMBERS)
def test_a_pseudonym_leads_back_to_what_it_has_always_been(row):
    assert SivPseudonymizer(RING, "t").reidentify(row["pr1"]).reveal() == row["number"]


def test_the_table_is_the_one_that_was_pinned():
    """
    Nothing is taken out of it: at least 100 numbers, of all continents, each in two ways or more.
    """
    assert len(set(NUMBERS)) == len(PINNED) >= 100
    assert {number[1] for number in NUMBERS} == set("123456789")
    assert min(len(row["written"]) for row in PINNED) >= 2
