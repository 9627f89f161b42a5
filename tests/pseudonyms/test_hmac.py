"""
The one-way scheme, against a yardstick with nothing but ``hmac``.
"""

from __future__ import annotations

import copy
import hmac
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from careof.pseudonyms import HmacPseudonymizer, KeyRing
from careof.pseudonyms._hmac import HmacKey
from tests import strategies

LETTERS = "bcdfghjklmnpqrstvwxyz"


def yardstick(key, e164):
    """
    RFC 2104 by the standard library, and 13 bits at a time by arithmetic.
    """
    mac = hmac.digest(key, e164.encode(), "sha256")
    spelled = ""
    for begin in range(0, 16, 2):
        bits = int.from_bytes(mac[begin : begin + 2], "big") % 2**13
        spelled += LETTERS[bits // 441] + LETTERS[bits // 21 % 21] + LETTERS[bits % 21]
    return spelled


def test_the_first_test_vector_of_rfc_4231_comes_out_of_the_two_states():
    """
    RFC 4231 §4.2, whose text is no number: the states do not mind.
    """
    (mac,) = HmacKey("", bytes([0x0B] * 20))._macs(["Hi There"])

    assert mac.hex() == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"


@given(key=st.binary(min_size=1, max_size=64), e164=strategies.phones)
def test_a_pseudonym_is_104_bits_of_hmac_sha256_in_letters(key, e164):
    assert HmacKey("ph1k1_", key).pseudonym(e164) == f"ph1k1_{yardstick(key, e164)}"
    assert HmacKey("ph1k1_", key).pseudonyms([e164] * 40) == [f"ph1k1_{yardstick(key, e164)}"] * 40


def test_its_key_is_derived_from_the_secret_the_scheme_the_tenant_and_the_purpose():
    ring = KeyRing({"k1": "k" * 43}, primary="k1")
    key = ring.derive("k1", "careof phone pseudonym", "ph1", "t", "p")
    pseudonym = HmacPseudonymizer(ring, "t", purpose="p").pseudonymize("+442079460018")

    assert pseudonym == f"ph1k1_{yardstick(key, '+442079460018')}"


@pytest.mark.parametrize("use", [pickle.dumps, lambda key: key.__getstate__()])
def test_a_key_at_work_is_never_written_anywhere(use):
    key = HmacKey("ph1k1_", b"k" * 32)

    assert copy.deepcopy(key) is key
    with pytest.raises(TypeError):
        use(key)
