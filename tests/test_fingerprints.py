"""
Fingerprints stay as they are, whatever is released: lists of opt-outs have stored them.

``expected`` is RFC 5869, RFC 2104 and our alphabet once more, of hashlib and
hmac alone.  What it says is pinned as well, as text: nothing here is mended.
"""

from __future__ import annotations

import copy
import hashlib
import hmac
import pickle
import re

import pytest
from hypothesis import given

from careof import EmailAddress, Fingerprinter, PhoneNumber, Secret
from careof._sending.fingerprints import normalised
from careof.errors import CareofError, ConfigurationError
from careof.pseudonyms import HmacPseudonymizer, KeyRing
from tests import strategies
from tests.support.canary import (
    EMAIL,
    PHONE,
    every_view_of,
    every_view_of_error,
    frames_of,
    objects_holding,
    seen_in,
)
from tests.support.raising import error_of

SECRET = "canary-key-of-32-bytes-or-more-0001"
OTHER = "canary-key-of-32-bytes-or-more-0002"
RING = KeyRing({"k1": SECRET}, primary="k1")
BOTH = KeyRing({"k1": SECRET, "k2": OTHER}, primary="k2")
KIM = EmailAddress.parse("kim@people.example")
NUMBER = PhoneNumber.parse("+44 20 7946 0000")

PINNED = [
    (KIM, "tenant-12", "fp1k1_klprlsfrbqfnqzkvznvtblzf"),
    (NUMBER, "tenant-12", "fp1k1_xkjpyrcylvvngxqbdtqclhbj"),
    (KIM, "", "fp1k1_cdqmsmlkwslnldpcwbwwslkq"),
    (
        EmailAddress.parse("\u00e9lo\u00efse@b\u00fccher.example"),
        "t\u00e4nant",
        "fp1k1_mjjmctvmyjjlhpvdwdlmvgnr",
    ),
]


def hkdf(secret, info):
    extracted = hmac.digest(bytes(32), secret.encode(), hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def expected(text, tenant, secret=SECRET, key_id="k1"):
    labels = [b"careof address fingerprint", b"fp1", tenant.encode()]
    info = b"".join(len(label).to_bytes(4, "big") + label for label in labels)
    mac = hmac.digest(hkdf(secret, info), text.encode(), hashlib.sha256)
    spelled = ""
    for at in range(0, 16, 2):
        number = int.from_bytes(mac[at : at + 2], "big") % 2**13
        spelled += "".join("bcdfghjklmnpqrstvwxyz"[number // power % 21] for power in (441, 21, 1))
    return f"fp1{key_id}_{spelled}"


@pytest.mark.parametrize("address, tenant, pinned", PINNED, ids=range(len(PINNED)))
def test_a_fingerprint_is_what_it_has_always_been(address, tenant, pinned):
    assert Fingerprinter(RING, tenant).fingerprint(address) == pinned


@pytest.mark.parametrize("tenant", ["", "t", "t\u00e4nant"])
def test_it_is_what_the_standards_make_of_it(tenant):
    fingerprinter = Fingerprinter(RING, tenant)

    assert fingerprinter.fingerprint(KIM) == expected("email:kim@people.example", tenant)
    assert fingerprinter.fingerprint(NUMBER) == expected("phone:+442079460000", tenant)


NORMALISED = [
    ("kim@people.example", "kim@people.example"),
    ("Kim@People.Example", "kim@people.example"),
    ("KIM.Lou+news@people.example", "kim.lou+news@people.example"),
    ("kim@B\u00dcCHER.example", "kim@xn--bcher-kva.example"),
    ("kim@xn--bcher-kva.example", "kim@xn--bcher-kva.example"),
    ("kim@bu\u0308cher.example", "kim@xn--bcher-kva.example"),
    ("\u00c9lo\u00efse@people.example", "\u00e9lo\u00efse@people.example"),
    ("E\u0301loi\u0308se@people.example", "\u00e9lo\u00efse@people.example"),
    ("stra\u00dfe@people.example", "strasse@people.example"),
    ("STRASSE@people.example", "strasse@people.example"),
    ("\uff4b\uff49\uff4d@people.example", "kim@people.example"),
    ("\u01f0@people.example", "\u01f0@people.example"),
]
APART = [
    ("kim@people.example", "k.im@people.example"),
    ("kim@people.example", "kim+news@people.example"),
    ("kim@people.example", "kim@other.example"),
    ("kim@people.example", "kim@people.example.example"),
    ("\u00e9@people.example", "e@people.example"),
]


@pytest.mark.parametrize("written, text", NORMALISED, ids=range(len(NORMALISED)))
def test_an_address_is_one_however_it_is_written(written, text):
    address = EmailAddress.parse(written)

    assert normalised(address) == f"email:{text}"
    assert Fingerprinter(RING, "t").fingerprint(address) == expected(f"email:{text}", "t")


@pytest.mark.parametrize("one, other", APART, ids=range(len(APART)))
def test_what_may_be_two_people_has_two_fingerprints(one, other):
    fingerprint = Fingerprinter(RING, "t").fingerprint

    assert fingerprint(EmailAddress.parse(one)) != fingerprint(EmailAddress.parse(other))


@pytest.mark.parametrize("written", ["+442079460000", "+44 (0)20 7946 0000", "+44-20-7946-0000"])
def test_a_number_is_one_however_it_is_written(written):
    assert normalised(PhoneNumber.parse(written)) == "phone:+442079460000"


@given(strategies.nearly_emails)
def test_a_normalised_address_is_normalised(text):
    try:
        address = EmailAddress.parse(text)
    except CareofError:
        return
    once = normalised(address)

    assert normalised(EmailAddress(once.removeprefix("email:"))) == once


def test_other_tenants_and_other_keys_cannot_be_linked():
    makers = [
        Fingerprinter(RING, "a"),
        Fingerprinter(RING, "b"),
        Fingerprinter(KeyRing({"k1": OTHER}, primary="k1"), "a"),
    ]
    made = {maker.fingerprint(address) for maker in makers for address in (KIM, NUMBER)}

    assert len(made) == 6
    assert all(re.fullmatch("fp1k1_[bcdfghjklmnpqrstvwxyz]{24}", each) for each in made)


def test_a_fingerprint_has_nothing_in_common_with_a_pseudonym():
    pseudonym = HmacPseudonymizer(RING, "t").pseudonymize(NUMBER)
    fingerprint = Fingerprinter(RING, "t").fingerprint(NUMBER)

    assert pseudonym.partition("_")[2] != fingerprint.partition("_")[2]


def test_while_keys_are_rotated_the_primary_one_comes_first():
    rotated = Fingerprinter(BOTH, "t")
    text = "email:kim@people.example"

    assert rotated.fingerprint(KIM) == expected(text, "t", OTHER, "k2")
    assert rotated.candidates(KIM) == [
        expected(text, "t", OTHER, "k2"),
        expected(text, "t", SECRET, "k1"),
    ]
    assert Fingerprinter(RING, "t").fingerprint(KIM) in rotated.candidates(KIM)


def test_its_keys_are_derived_when_it_is_built():
    secrets = [SECRET]
    ring = KeyRing({"k1": Secret.from_callable(lambda: secrets[0])}, primary="k1")
    fingerprinter = Fingerprinter(ring, "t")
    secrets[0] = OTHER

    assert fingerprinter.fingerprint(KIM) == expected("email:kim@people.example", "t")


@pytest.mark.parametrize(
    "arguments, problem",
    [
        ((SECRET, "t"), "Fingerprinter: keyring: expected a KeyRing"),
        ((None, "t"), "Fingerprinter: keyring: expected a KeyRing"),
        ((RING, None), "Fingerprinter: tenant: expected a text"),
        ((RING, "\ud800"), "Fingerprinter: tenant: expected a text"),
    ],
    ids=range(4),
)
def test_an_argument_that_cannot_work_is_named(arguments, problem):
    error = error_of(Fingerprinter, *arguments)

    assert type(error) is ConfigurationError
    assert str(error).startswith(problem)
    assert seen_in(every_view_of_error(error), [SECRET]) == []


def test_a_key_that_cannot_be_read_is_found_when_it_is_built():
    def read():
        password = SECRET
        raise LookupError(password)

    error = error_of(Fingerprinter, KeyRing({"k1": Secret.from_callable(read)}, primary="k1"), "t")

    assert str(error).startswith("The secret callable cannot be read (LookupError).")
    assert seen_in(every_view_of_error(error), [SECRET]) == []


@pytest.mark.parametrize("method", ["fingerprint", "candidates"])
@pytest.mark.parametrize(
    "address",
    [
        EMAIL,
        PHONE,
        None,
        EmailAddress(f"{EMAIL}\ud800"),
        EmailAddress(f"{EMAIL} \u00e9"),
        PhoneNumber(f"{PHONE}\ud800"),
    ],
    ids=range(6),
)
def test_what_is_no_address_that_was_parsed_is_not_repeated(method, address):
    error = error_of(getattr(Fingerprinter(RING, "t"), method), address)

    assert str(error).startswith("Fingerprinter: address: ")
    assert type(error) is ConfigurationError
    assert set(frames_of(error)) <= {method, "unwrap"}
    assert error.__context__ is None
    assert seen_in(every_view_of_error(error), [EMAIL, PHONE, SECRET]) == []


def test_it_shows_nothing():
    fingerprinter = Fingerprinter(RING, "tenant-12")

    assert repr(fingerprinter) == "Fingerprinter(***)"
    assert seen_in(every_view_of(fingerprinter), [SECRET, "tenant-12"]) == []


def test_it_is_fixed_and_refuses_to_be_pickled():
    fingerprinter = Fingerprinter(RING, "t")

    assert copy.deepcopy(fingerprinter) is copy.copy(fingerprinter) is fingerprinter
    with pytest.raises(AttributeError, match="cannot be changed"):
        fingerprinter._keys = []
    with pytest.raises(TypeError, match="same key ring and tenant"):
        pickle.dumps(fingerprinter)


def test_it_keeps_no_address():
    text = (
        f"kept-by-a-{Fingerprinter.__name__.lower()}@people.example"  # no constant of this module
    )
    fingerprinter = Fingerprinter(RING, "t")
    fingerprinter.candidates(EmailAddress.parse(text))

    assert objects_holding(text) == []
