"""
Reference ids stay as they are, whatever is released: customers have stored them.

``expected`` is RFC 5869, RFC 2104 and our alphabet once more, of hashlib and
hmac alone.  What it says is pinned as well, as text: nothing here is mended.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle
import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof import EmailAddress, PhoneNumber
from careof._values.reference import is_plain, refuse_reference
from careof.contacts import (
    Derivation,
    derived_reference_id,
    is_reference_id,
    new_reference_id,
)
from careof.errors import ConfigurationError, EmailAddressError, PhoneNumberError
from careof.pseudonyms import KeyRing
from tests import strategies
from tests.support.canary import EMAIL, PHONE, every_view_of, every_view_of_error, seen_in
from tests.support.raising import error_of

SECRET = "canary-key-of-32-bytes-or-more-0001"
RING = KeyRing({"k1": SECRET}, primary="k1")
LETTERS = "bcdfghjklmnpqrstvwxyz"
KIM = EmailAddress.parse("kim@people.example")
NUMBER = PhoneNumber.parse("+44 20 7946 0000")

PINNED = [
    (KIM, None, "tenant-12", "rd1k1_pclmjbpkvnxxgsqnqppjccvyfwtvpdr"),
    (None, NUMBER, "tenant-12", "rd1k1_fwvdfltpvtnwtfnbrvhlfwnzcgjhszs"),
    (KIM, None, "", "rd1k1_rqcmndfwvgwkgbvrhzblvnwnxgwtsjt"),
]
random_ids = st.builds(lambda _: new_reference_id(), st.integers(0, 10**9))
ids = random_ids | st.builds(
    lambda address: derived_reference_id(RING, "t", email=address), strategies.emails
)


def expected(text, tenant):
    labels = [b"careof reference id", b"rd1", tenant.encode()]
    info = b"".join(len(label).to_bytes(4, "big") + label for label in labels)
    extracted = hmac.digest(bytes(32), SECRET.encode(), hashlib.sha256)
    key = hmac.digest(extracted, info + b"\x01", hashlib.sha256)
    bits = f"{int.from_bytes(hmac.digest(key, text.encode(), hashlib.sha256), 'big'):0256b}"
    made = "rd1k1_"
    for at in range(0, 130, 13):
        number = int(bits[at : at + 13], 2)
        made += "".join(LETTERS[number // power % 21] for power in (441, 21, 1))
    worths = [LETTERS.index(sign) if sign in LETTERS else ord(sign) for sign in made]
    total = sum(worth * 2 ** (len(made) - at) for at, worth in enumerate(worths))
    return made + LETTERS[(1 - total) % 21]


@pytest.mark.parametrize("email, phone, tenant, pinned", PINNED, ids=range(len(PINNED)))
def test_a_derived_id_is_what_it_has_always_been(email, phone, tenant, pinned):
    assert Derivation(RING, tenant).reference_id(email, phone) == pinned


@pytest.mark.parametrize("tenant", ["", "t", "tänant"])
def test_it_is_what_the_standards_make_of_it(tenant):
    derivation = Derivation(RING, tenant)

    assert derivation.reference_id(KIM) == expected("email:kim@people.example", tenant)
    assert derivation.reference_id(phone=NUMBER) == expected("phone:+442079460000", tenant)


def test_a_random_id_has_130_bits_and_one_case():
    made = {new_reference_id() for _ in range(10_000)}

    assert len(made) == 10_000
    assert {re.fullmatch(f"rr1_[{LETTERS}]{{31}}", one) is not None for one in made} == {True}
    assert len(LETTERS) ** 3 > 2**13


def test_every_letter_comes_about_as_often():
    made = "".join(new_reference_id()[4:] for _ in range(5_000))
    counts = [made.count(letter) for letter in LETTERS]

    # Of the 9,261 threes the first 8,192 are used, so the last letters are rarer.
    assert min(counts) > 155_000 / 21 * 0.6
    assert max(counts) < 155_000 / 21 * 1.25


@given(made=ids)
def test_it_is_a_reference_and_nothing_else(made):
    assert is_reference_id(made)
    assert is_plain(made)
    assert refuse_reference(made) is None
    assert made == made.casefold() == made.lower()


@pytest.mark.parametrize("region", ["GB", "DE", "US", "IT", "BR", "SG", None])
def test_no_parser_finds_a_number_in_one(region):
    made = [new_reference_id() for _ in range(100)]
    made += [derived_reference_id(RING, f"{n}", email=KIM) for n in range(100)]
    text = " ".join(made)

    for leniency in range(4):
        assert list(phonenumbers.PhoneNumberMatcher(text, region, leniency)) == []


@given(made=ids, at=st.integers(0, 30), sign=st.sampled_from(LETTERS))
def test_one_wrong_letter_is_noticed(made, at, sign):
    at += made.index("_") + 1
    wrong = made[:at] + sign + made[at + 1 :]

    assert is_reference_id(wrong) == (wrong == made)


@given(made=ids, at=st.integers(0, 29))
def test_two_neighbours_in_the_wrong_order_are_noticed(made, at):
    at += made.index("_") + 1
    wrong = made[:at] + made[at + 1] + made[at] + made[at + 2 :]

    assert is_reference_id(wrong) == (wrong == made)


def test_another_digit_in_the_id_of_the_key_is_noticed():
    made = derived_reference_id(RING, "t", email=KIM)

    assert [n for n in range(10) if is_reference_id(made.replace("k1", f"k{n}"))] == [1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        None,
        7,
        b"rr1_",
        "C-1042",
        "ph1k1_wxhmlgklljkgmdgsdvwhqglf",
        new_reference_id().upper(),
        new_reference_id()[:-1],
        new_reference_id() + "b",
        new_reference_id() + "\n",
        " " + new_reference_id(),
    ],
    ids=range(11),
)
def test_what_careof_did_not_make_is_none(text):
    assert not is_reference_id(text)


@pytest.mark.parametrize(
    "one, other",
    [
        ({"email": "Kim@People.EXAMPLE"}, {"email": "kim@people.example"}),
        ({"email": "élo@bücher.example"}, {"email": "ÉLO@xn--bcher-kva.example"}),
        ({"email": "Zoé@people.example"}, {"email": "zoe\u0301@people.example"}),
        ({"phone": "+44 (0)20 7946 0018"}, {"phone": "+442079460018"}),
        ({"phone": "020 7946 0018", "region": "GB"}, {"phone": PhoneNumber.parse(PHONE)}),
        ({"email": KIM, "phone": PHONE}, {"email": KIM}),
    ],
)
def test_one_person_has_one_id_however_it_is_written(one, other):
    assert derived_reference_id(RING, "t", **one) == derived_reference_id(RING, "t", **other)


@pytest.mark.parametrize(
    "one, other",
    [
        ("strasse@people.example", "straße@people.example"),
        ("\u017fam@people.example", "sam@people.example"),
        ("①@people.example", "1@people.example"),
        ("kim+a@people.example", "kim@people.example"),
    ],
)
def test_two_people_have_two_ids_also_where_one_opt_out_counts_for_both(one, other):
    made = [derived_reference_id(RING, "t", email=each) for each in (one, other)]

    assert made[0] != made[1]


def test_other_tenants_and_other_keys_have_other_ids():
    other = KeyRing({"k1": SECRET[::-1]}, primary="k1")
    made = {
        derived_reference_id(ring, tenant, email=KIM) for ring in (RING, other) for tenant in "ab"
    }

    assert len(made) == 4


def test_a_new_primary_key_makes_other_ids():
    spread = RING.add("k2")

    assert derived_reference_id(spread, "t", email=KIM) == Derivation(RING, "t").reference_id(KIM)
    assert derived_reference_id(spread.promote("k2"), "t", email=KIM).startswith("rd1k2_")


@pytest.mark.parametrize(
    "arguments, kind",
    [
        ({"email": EMAIL + "@"}, EmailAddressError),
        ({"phone": PHONE + "1234567"}, PhoneNumberError),
        ({"email": EMAIL, "phone": "0207946001"}, PhoneNumberError),
        ({}, ConfigurationError),
        ({"email": EMAIL, "region": "UK"}, ConfigurationError),
    ],
)
def test_no_address_is_refused_and_not_repeated(arguments, kind):
    error = error_of(derived_reference_id, RING, "t", **arguments)

    assert type(error) is kind
    assert seen_in(every_view_of_error(error), [EMAIL, PHONE, "0207946001", SECRET]) == []


@pytest.mark.parametrize(
    "ring, tenant, word",
    [
        (SECRET, "t", "keyring"),
        (RING, None, "tenant"),
        (RING, "\ud800", "tenant"),
        (KeyRing({"k10": SECRET}, primary="k10"), "t", "one digit"),
    ],
    ids=["ring", "no tenant", "half a character", "digits"],
)
def test_what_no_key_can_be_made_of_is_refused(ring, tenant, word):
    for function in (Derivation, derived_reference_id):
        more = {} if function is Derivation else {"email": EMAIL}
        error = error_of(function, ring, tenant, **more)

        assert type(error) is ConfigurationError
        assert word in str(error)
        assert seen_in(every_view_of_error(error), [SECRET, EMAIL]) == []


def test_a_key_that_cannot_be_read_is_told(monkeypatch):
    from careof import Secret

    monkeypatch.setenv("CAREOF_GONE", SECRET)
    ring = KeyRing({"k1": Secret.from_env("CAREOF_GONE")}, primary="k1")
    monkeypatch.delenv("CAREOF_GONE")

    assert error_of(Derivation, ring, "t").detail == "secret"


@pytest.mark.parametrize("arguments", [(EMAIL,), (None, PHONE), (None, None), (NUMBER,)])
def test_a_derivation_takes_addresses_that_were_read(arguments):
    error = error_of(Derivation(RING, "t").reference_id, *arguments)

    assert type(error) is ConfigurationError
    assert seen_in(every_view_of_error(error), [EMAIL, PHONE]) == []


def test_a_derivation_shows_no_key_and_refuses_to_be_pickled():
    derivation = Derivation(RING, "tenant-12")

    assert seen_in(every_view_of(derivation), [SECRET, derivation._key.hex(), "tenant"]) == []
    assert repr(derivation) == "Derivation(***)"
    assert copy.deepcopy(derivation) is derivation
    with pytest.raises(TypeError, match="same key ring and tenant"):
        pickle.dumps(derivation)
