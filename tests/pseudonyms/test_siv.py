"""
The reversible scheme, against RFC 5297 and against the AES-SIV of cryptography.
"""

from __future__ import annotations

import functools
import pickle

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given, settings
from hypothesis import strategies as st

from careof.errors import PseudonymError
from careof.pseudonyms import KeyRing, SivPseudonymizer, _packing
from careof.pseudonyms._letters import ALPHABET, letters
from careof.pseudonyms._siv import SivKey, _bitwise, doubled
from tests import strategies
from tests.support.raising import error_of

RING = KeyRing({"k1": "k" * 43}, primary="k1")
PHONE = "+442079460018"
LETTERS = "bcdfghjklmnpqrstvwxyz"

# RFC 5297, appendix A.
DETERMINISTIC = {
    "key": "fffefdfc fbfaf9f8 f7f6f5f4 f3f2f1f0 f0f1f2f3 f4f5f6f7 f8f9fafb fcfdfeff",
    "associated": ["10111213 14151617 18191a1b 1c1d1e1f 20212223 24252627"],
    "text": "11223344 55667788 99aabbcc ddee",
    "tag": "85632d07 c6e8f37f 950acd32 0a2ecc93",
    "ciphertext": "40c02b96 90c4dc04 daef7f6a fe5c",
}
WITH_A_NONCE = {
    "key": "7f7e7d7c 7b7a7978 77767574 73727170 40414243 44454647 48494a4b 4c4d4e4f",
    "associated": [
        """
        00112233 44556677 8899aabb ccddeeff deaddada deaddada ffeeddcc bbaa9988
        77665544 33221100
        """,
        "10203040 50607080 90a0",
        "09f91102 9d74e35b d84156c5 635688c0",
    ],
    "text": """
        74686973 20697320 736f6d65 20706c61 696e7465 78742074 6f20656e 63727970
        74207573 696e6720 5349562d 414553
        """,
    "tag": "7bdb6e3b 432667eb 06f4d14b ff2fbd0f",
    "ciphertext": """
        cb900f2f ddbe4043 26601965 c889bf17 dba77ceb 094fa663 b7a3f748 ba8af829
        ea64ad54 4a272e9c 485b62a3 fd5c0d
        """,
}


def raw(text):
    return bytes.fromhex(text)


def yardstick(key, number):
    """
    AES-SIV by cryptography, and 13 bits at a time by arithmetic.
    """
    sealed = AESSIV(key).encrypt(number.to_bytes(7, "big"), None)
    bits = int.from_bytes(sealed, "big") << 11
    spelled = ""
    for _ in range(15):
        bits, last = divmod(bits, 2**13)
        spelled = LETTERS[last // 441] + LETTERS[last // 21 % 21] + LETTERS[last % 21] + spelled
    return spelled


@pytest.mark.parametrize("sample", [DETERMINISTIC, WITH_A_NONCE], ids=["A.1", "A.2"])
def test_the_oracle_gives_the_samples_of_rfc_5297(sample):
    associated = [raw(part) for part in sample["associated"]]
    sealed = AESSIV(raw(sample["key"])).encrypt(raw(sample["text"]), associated)

    assert sealed == raw(sample["tag"]) + raw(sample["ciphertext"])


def test_doubling_gives_the_values_of_rfc_5297():
    """
    Appendix A.1: CMAC of zero and the double of it, and a double with a carry.
    """
    zero = raw("0e04dfaf c1efbf04 01405828 59bf073a")
    mixed = raw("edf09de8 76c642ee 4d78bce4 ceedfc4f")

    assert doubled(zero) == raw("1c09bf5f 83df7e08 0280b050 b37e0e74")
    assert doubled(mixed) == raw("dbe13bd0 ed8c85dc 9af179c9 9ddbf819")


keys = st.sampled_from([32, 48, 64]).flatmap(lambda size: st.binary(min_size=size, max_size=size))
seven_bytes = st.one_of(
    st.integers(0, 2**56 - 1), st.sampled_from([0, 1, 10**15 - 1, 2**56 - 1, 2**55])
)


@settings(deadline=None)
@given(key=keys, numbers=st.lists(seven_bytes, min_size=1, max_size=50))
def test_the_short_way_is_aes_siv_bit_for_bit(key, numbers):
    blocks = b"".join(number.to_bytes(7, "big") + bytes(9) for number in numbers)
    by_numpy = functools.partial(_packing.bitwise, np)
    expected = [AESSIV(key).encrypt(number.to_bytes(7, "big"), None) for number in numbers]

    for bitwise in (_bitwise, by_numpy):
        tags, texts = SivKey("", key).seal(blocks, bitwise)
        starts = range(0, len(blocks), 16)
        assert [tags[at : at + 16] + texts[at : at + 7] for at in starts] == expected


@settings(deadline=None)
@given(key=keys, phones=st.lists(strategies.phones, min_size=33, max_size=40))
def test_a_pseudonym_is_184_bits_of_aes_siv_in_letters(key, phones):
    expected = [f"pr1k1_{yardstick(key, int(phone))}" for phone in phones]

    assert [SivKey("pr1k1_", key).pseudonym(phone) for phone in phones] == expected
    assert SivKey("pr1k1_", key).pseudonyms(phones) == expected
    assert SivKey("pr1k1_", key).pseudonyms(phones[:5]) == expected[:5]


def test_its_key_is_derived_from_the_secret_the_scheme_the_tenant_and_the_purpose():
    key = RING.derive("k1", "careof phone pseudonym", "pr1", "t", "p", length=64)
    pseudonym = SivPseudonymizer(RING, "t", purpose="p").pseudonymize(PHONE)

    assert pseudonym == f"pr1k1_{yardstick(key, int(PHONE))}"


@given(phone=strategies.phones)
def test_the_number_comes_back(phone):
    pseudonymizer = SivPseudonymizer(RING, "t")

    assert pseudonymizer.reidentify(pseudonymizer.pseudonymize(phone)).reveal() == phone


@pytest.mark.parametrize("phone", ["+999999999999999", "+290" + "1" * 5, "+5491123456789"])
def test_the_longest_and_the_shortest_number_come_back(phone):
    key = SivKey("pr1k1_", b"k" * 64)

    assert key.number(key.pseudonym(phone)[6:]) == phone
    assert key.number(key.pseudonyms([phone] * 40)[39][6:]) == phone


ONE_TEXT = "This is not a pseudonym that these keys made for this tenant and purpose."
PSEUDONYM = SivPseudonymizer(RING, "t").pseudonymize(PHONE)
TWO_KEYS = KeyRing({"k1": "k" * 43, "k2": "l" * 43}, primary="k1")


@pytest.mark.parametrize("at", range(len(PSEUDONYM)))
def test_one_changed_character_is_refused(at):
    pseudonymizer = SivPseudonymizer(TWO_KEYS, "t")
    for letter in {*ALPHABET, *"aeiou0123456789_BK \n\u017f\u212a\uff42", ""} - {PSEUDONYM[at]}:
        changed = PSEUDONYM[:at] + letter + PSEUDONYM[at + 1 :]
        with pytest.raises(PseudonymError) as caught:
            pseudonymizer.reidentify(changed)
        assert str(caught.value) == ONE_TEXT
        assert not pseudonymizer.matches(PHONE, changed)


@pytest.mark.parametrize(
    "text",
    [
        "",
        PSEUDONYM[:-1],
        PSEUDONYM + "b",
        PSEUDONYM + "\n",
        " " + PSEUDONYM,
        PSEUDONYM.upper(),
        "ph1" + PSEUDONYM[3:],
        PSEUDONYM.replace("k1", "k2"),
        PSEUDONYM.replace("k1", "k9"),
        PSEUDONYM.replace("k1", ""),
        PSEUDONYM.replace("k1", "abcdefghi"),
        PSEUDONYM[:6] + "zzz" * 15,
        PSEUDONYM[:6] + "bbb" * 15,
        PSEUDONYM.encode(),
        PHONE,
        None,
        5,
        [PSEUDONYM],
        "pr1k1_" + "b" * 100_000,
    ],
    ids=lambda text: f"{type(text).__name__} {str(text)[:12]!r}",
)
def test_what_is_no_pseudonym_is_refused_with_the_same_words(text):
    error = error_of(SivPseudonymizer(TWO_KEYS, "t").reidentify, text)

    assert type(error) is PseudonymError
    assert (str(error), error.detail, error.outcome) == (ONE_TEXT, "pseudonym", "refused")
    assert not SivPseudonymizer(TWO_KEYS, "t").matches(PHONE, text)


def test_there_is_no_second_spelling_of_a_pseudonym():
    """
    The last letters are two bits and eleven noughts; ones in their place would be lost.
    """
    last = letters().index(PSEUDONYM[-3:])
    twins = [PSEUDONYM[:-3] + letters()[last | spare] for spare in (1, 2, 1024, 2047)]

    for twin in twins:
        with pytest.raises(PseudonymError):
            SivPseudonymizer(RING, "t").reidentify(twin)


def test_a_key_at_work_is_never_written_anywhere():
    with pytest.raises(TypeError):
        pickle.dumps(SivKey("pr1k1_", b"k" * 64))
