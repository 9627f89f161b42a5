"""
Promise 9: one number under one key and context has one pseudonym, everywhere and for ever.

Other contexts cannot be linked to it, and old keys stay readable until retired.
"""

from __future__ import annotations

import collections
import itertools
import os
import random
import re
import subprocess
import sys
import threading

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careof import PhoneNumber
from careof.errors import CareofError, ConfigurationError, PseudonymError
from careof.pseudonyms import HmacPseudonymizer, KeyRing, SivPseudonymizer, _packing
from tests import strategies
from tests.support.canary import PHONE
from tests.support.memory import untraced

RING = KeyRing({"k1": "k" * 43}, primary="k1")
SCHEMES = [HmacPseudonymizer, SivPseudonymizer]
MANY = 100_000

both = pytest.mark.parametrize("scheme", SCHEMES)


@pytest.fixture(params=["with numpy", "without numpy"])
def numpy_or_not(request, monkeypatch):
    if request.param == "without numpy":
        monkeypatch.setattr(_packing, "array_module", lambda count: None)


# What numbers begin with, and how many digits follow.
BEGINNINGS = {
    "+120255501": 2,
    "+4420": 8,
    "+49301": 7,
    "+33612": 6,
    "+3906": 6,
    "+5411": 8,
    "+8190": 8,
    "+55119": 8,
    "+8529": 7,
}


def numbers(count, seed=1):
    """
    Numbers of nine countries, all different.
    """
    draw = random.Random(seed)
    found = set()
    while len(found) < count:
        beginning, digits = draw.choice([*BEGINNINGS.items()])
        found.add(f"{beginning}{draw.randrange(10**digits):0{digits}}")
    return sorted(found)


@both
@pytest.mark.parametrize(
    "written",
    [
        "+44 20 7946 0018",
        "+44 (0)20 7946 0018",
        "+4402079460018",
        "(+44) 20.7946-0018",
        "020 7946 0018",
        "0044 20 7946 0018",
        PhoneNumber.parse("+442079460018"),
    ],
    ids=str,
)
def test_a_number_has_one_pseudonym_however_it_is_written(scheme, written):
    pseudonymizer = scheme(RING, "t", region="GB")

    assert pseudonymizer.pseudonymize(written) == pseudonymizer.pseudonymize(PHONE)


@both
def test_every_path_gives_the_same(scheme, numpy_or_not):
    pseudonymizer = scheme(RING, "t", region="GB")
    phones = [*numbers(300), *["020 7946 0018", PHONE, PhoneNumber.parse(PHONE)] * 4]
    one_by_one = [pseudonymizer.pseudonymize(phone) for phone in phones]

    assert pseudonymizer.pseudonymize_many(phones) == one_by_one
    assert list(pseudonymizer.pseudonymize_iter(iter(phones))) == one_by_one
    assert [pseudonymizer.candidates(phone) for phone in phones] == [[one] for one in one_by_one]
    assert all(map(pseudonymizer.matches, phones, one_by_one))


@settings(max_examples=60, deadline=None)
@given(
    phones=st.lists(
        st.one_of(
            strategies.phones,
            strategies.phones.map(PhoneNumber.parse),
            st.sampled_from(
                [*numbers(50), "020 7946 0018", "+54 9 11 2345-6789", "+7 800 555 0199"]
            ),
        ),
        max_size=90,
    ),
    scheme=st.sampled_from(SCHEMES),
    key=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=32, max_size=50),
)
def test_one_and_many_with_numpy_and_without_give_the_same(phones, scheme, key):
    pseudonymizer = scheme(KeyRing({"k1": key}, primary="k1"), "t", region="GB")
    one_by_one = [pseudonymizer.pseudonymize(phone) for phone in phones]
    with pytest.MonkeyPatch.context() as monkeypatch:
        with_numpy = pseudonymizer.pseudonymize_many(phones)
        monkeypatch.setattr(_packing, "FEW", 1)
        with_numpy_always = pseudonymizer.pseudonymize_many(phones)
        monkeypatch.setattr(_packing, "array_module", lambda count: None)
        without_numpy = pseudonymizer.pseudonymize_many(phones)

    assert with_numpy == one_by_one
    assert with_numpy_always == one_by_one
    assert without_numpy == one_by_one


@both
def test_two_machines_give_the_same(scheme):
    """
    Two processes with other hash seeds, and the text of the key ring alone in common.
    """
    program = """
import os, careof.pseudonyms as p
ring = p.KeyRing.parse(os.environ["RING"])
print(getattr(p, os.environ["SCHEME"])(ring, "t", purpose="u").pseudonymize("+442079460018"))
"""
    printed = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={
                **os.environ,
                "RING": RING.reveal(),
                "SCHEME": scheme.__name__,
                "PYTHONHASHSEED": seed,
            },
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }

    assert printed == {scheme(RING, "t", purpose="u").pseudonymize(PHONE)}


@both
def test_eight_threads_give_the_same(scheme, numpy_or_not):
    pseudonymizer = scheme(RING, "t")
    phones = numbers(1000)
    expected = pseudonymizer.pseudonymize_many(phones)
    begin = threading.Barrier(8)
    results = []

    def work():
        begin.wait(timeout=30)
        for _ in range(3):
            results.append(pseudonymizer.pseudonymize_many(phones))
            results.append([pseudonymizer.pseudonymize(phone) for phone in phones])

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len(results) == 48
    assert all(result == expected for result in results)


CONTEXTS = [
    *itertools.product(["t", "u", "", "tu"], ["", "t", "u"]),
    ("a", "bc"),
    ("ab", "c"),
    ("a\0\0\0\1b", ""),
]


@both
def test_no_two_contexts_have_a_pseudonym_in_common(scheme):
    pseudonyms = {
        context: scheme(RING, context[0], purpose=context[1]).pseudonymize(PHONE)
        for context in CONTEXTS
    }

    assert len(set(pseudonyms.values())) == len(CONTEXTS)


def test_the_two_schemes_and_two_secrets_share_no_key():
    other = KeyRing({"k1": "l" * 43}, primary="k1")
    letters = {
        scheme(ring, "t").pseudonymize(PHONE).partition("_")[2][:24]
        for scheme in SCHEMES
        for ring in (RING, other)
    }

    assert len(letters) == 4


@pytest.mark.parametrize("context", CONTEXTS, ids=str)
def test_another_context_cannot_read_it(context):
    pseudonym = SivPseudonymizer(RING, "t", purpose="p").pseudonymize(PHONE)

    with pytest.raises(PseudonymError):
        SivPseudonymizer(RING, context[0], purpose=context[1]).reidentify(pseudonym)
    assert not SivPseudonymizer(RING, context[0], purpose=context[1]).matches(PHONE, pseudonym)


@pytest.mark.parametrize(
    "scheme, shape",
    [
        (HmacPseudonymizer, "ph1k1_[b-df-hj-np-tv-z]{24}"),
        (SivPseudonymizer, "pr1k1_[b-df-hj-np-tv-z]{45}"),
    ],
)
def test_a_pseudonym_shows_neither_the_length_of_a_number_nor_its_country(scheme, shape):
    pseudonyms = scheme(RING, "t").pseudonymize_many(numbers(2000))

    assert [each for each in pseudonyms if not re.fullmatch(shape, each)] == []


@both
def test_every_place_of_a_pseudonym_takes_nearly_every_letter_and_none_too_often(scheme):
    """
    Numbers in a row, which differ in their last digits only.

    The last three letters of a reversible one are two bits, and left out.
    """
    phones = [f"+4420{number}" for number in range(79460000, 79464200)]
    columns = zip(
        *(each[6:-3] for each in scheme(RING, "t").pseudonymize_many(phones)), strict=True
    )

    for column in columns:
        counts = collections.Counter(column)
        assert len(counts) >= 19  # 2**13 of 21**3: the last letters of the first place are missing
        assert max(counts.values()) < 3 * len(phones) / 21


@both
def test_numbers_in_a_row_have_pseudonyms_in_no_order(scheme):
    phones = [f"+4420{number}" for number in range(79460000, 79461000)]
    pseudonyms = scheme(RING, "t").pseudonymize_many(phones)
    ascending = sum(one < other for one, other in itertools.pairwise(pseudonyms))

    assert 400 < ascending < 600


@both
def test_different_numbers_have_different_pseudonyms(scheme):
    pseudonyms = scheme(RING, "t").pseudonymize_many(numbers(MANY))

    assert len(set(pseudonyms)) == MANY


def read_everywhere(pseudonyms):
    """
    Those of *pseudonyms* that the parser reads, and what the finder finds in them.
    """
    regions = sorted(phonenumbers.SUPPORTED_REGIONS)
    shares = [pseudonyms[number :: len(regions)] for number in range(len(regions))]
    parsed = [
        pseudonym
        for region, share in zip(regions, shares, strict=True)
        for pseudonym in [*share, *pseudonyms[:20]]
        if is_read(pseudonym, region)
    ]
    found = [
        match
        for region, share in zip(regions, shares, strict=True)
        for separator in ("\n", " ", ",")
        for match in phonenumbers.PhoneNumberMatcher(
            separator.join([*share, *pseudonyms[:20]]),
            region,
            leniency=phonenumbers.Leniency.POSSIBLE,
            max_tries=10**9,
        )
    ]
    return parsed, found


@both
def test_no_pseudonym_is_a_phone_number_to_any_reader(scheme):
    """
    The parser and the finder of phonenumbers, the finder as lenient as it gets.

    The parser says of each that it is no number in any region.  The finder sees
    each in one region and twenty in every region, which only changes how that is
    read which was found.
    """
    pseudonyms = scheme(RING, "t").pseudonymize_many(numbers(MANY))
    parsed, found = untraced(read_everywhere, pseudonyms)

    assert (parsed, found) == ([], [])
    assert not any(
        phonenumbers.is_possible_number_string(each, "GB") for each in pseudonyms[:1000]
    )


def is_read(text, region):
    """
    Whether anything in *text* is looked at as a number, in *region* or in any other.
    """
    try:
        phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException as error:
        # Said before the region is asked for anything.
        return error.error_type != phonenumbers.NumberParseException.NOT_A_NUMBER
    return True


@pytest.mark.parametrize("key_id", ["k", "k1", "abcdefg9", "z0aaaaaa"])
@both
def test_no_id_of_a_key_makes_a_phone_number_of_it(scheme, key_id):
    ring = KeyRing({key_id: "k" * 43}, primary=key_id)
    text = " ".join(scheme(ring, "t").pseudonymize_many(numbers(50)))

    assert not any(
        list(
            phonenumbers.PhoneNumberMatcher(
                text, region, leniency=phonenumbers.Leniency.POSSIBLE, max_tries=10**9
            )
        )
        for region in phonenumbers.SUPPORTED_REGIONS
    )


@pytest.mark.parametrize("key_id", ["k10", "k2026", "a1b2", "a0000000"])
@both
def test_an_id_with_which_it_could_be_one_is_refused(scheme, key_id):
    ring = KeyRing({"k1": "k" * 43, key_id: "l" * 43}, primary="k1")

    with pytest.raises(ConfigurationError, match=f"{key_id} could be read as a phone number"):
        scheme(ring, "t")


class Host:
    """
    A table of people, by the pseudonyms of their numbers.
    """

    def __init__(self, phones):
        self.phones = phones
        self.column = []

    def store(self, pseudonymizer):
        self.column = pseudonymizer.pseudonymize_many(self.phones)

    def found(self, pseudonymizer):
        return all(
            set(pseudonymizer.candidates(phone)) & {stored}
            for phone, stored in zip(self.phones, self.column, strict=True)
        )

    def left_on(self, key_id):
        return sum(each.startswith(f"{each[:3]}{key_id}_") for each in self.column)


@both
def test_keys_are_rotated_one_step_at_a_time(scheme):
    host = Host(numbers(100))
    one = KeyRing({"k1": "k" * 43}, primary="k1")
    host.store(scheme(one, "t"))
    first = list(host.column)

    # Two keys: everybody can read the new one, nobody writes it yet.
    two = one.add("k2")
    assert scheme(two, "t").pseudonymize_many(host.phones) == first
    assert host.found(scheme(two, "t"))

    # The new one is the primary: what is stored is still found, what is new is written with it.
    new = two.promote("k2")
    assert host.found(scheme(new, "t"))
    assert all(len(scheme(new, "t").candidates(phone)) == 2 for phone in host.phones)
    assert scheme(new, "t").pseudonymize(PHONE).startswith(f"{first[0][:3]}k2_")
    assert scheme(two, "t").matches(PHONE, scheme(new, "t").pseudonymize(PHONE))

    # What is seen again is written again.
    host.column[:60] = scheme(new, "t").pseudonymize_many(host.phones[:60])
    assert (host.left_on("k1"), host.left_on("k2")) == (40, 60)
    assert host.found(scheme(new, "t"))
    host.column[60:] = scheme(new, "t").pseudonymize_many(host.phones[60:])

    # The old one is retired: nothing of it is read any more.
    last = new.retire("k1")
    assert host.found(scheme(last, "t"))
    assert not any(map(scheme(last, "t").matches, host.phones, first))


def test_reversible_pseudonyms_are_wrapped_again_without_the_number():
    one = KeyRing({"k1": "k" * 43}, primary="k1")
    old = SivPseudonymizer(one, "t").pseudonymize_many(numbers(100))
    ring = one.add("k2").promote("k2")
    new = SivPseudonymizer(ring, "t").rewrap_many(old)
    last = SivPseudonymizer(ring.retire("k1"), "t")

    assert new == [SivPseudonymizer(ring, "t").rewrap(each) for each in old]
    assert [each.reveal() for each in last.reidentify_many(new)] == numbers(100)
    assert SivPseudonymizer(ring, "t").rewrap_many(new) == new
    with pytest.raises(PseudonymError):
        last.rewrap(old[0])


def test_a_wrong_secret_under_a_right_id_is_found_before_anything_is_written():
    ring = KeyRing({"k1": "k" * 43}, primary="k1")
    pinned = ring.checks

    for scheme in SCHEMES:
        assert scheme(KeyRing({"k1": "k" * 43}, primary="k1", checks=pinned), "t")
    with pytest.raises(
        CareofError, match="key 1 of 1 is another secret than the one that its check"
    ):
        KeyRing({"k1": "l" * 43}, primary="k1", checks=pinned)
