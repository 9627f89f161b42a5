"""
The search by which the other tests find nothing: that it finds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from careof.pseudonyms import HmacPseudonymizer
from tests.recipes.searching import (
    KEYS,
    NUMBERS,
    REGION,
    RING,
    SECRETS,
    TENANT,
    derived_keys,
    files_below,
    found_in,
)

LETTERS = "bcdfghjklmnpqrstvwxyz"
DERIVED = list(derived_keys())
HIDDEN = [text.encode() for text in SECRETS.values()] + DERIVED
WAYS = {
    "as it is": lambda data: b"before " + data + b" after",
    "hexadecimal digits": lambda data: b"before" + data.hex().encode(),
    "capital digits": lambda data: data.hex().upper().encode() + b"after",
    "base64": base64.b64encode,
    "base64, one behind": lambda data: base64.b64encode(b"1" + data + b"after"),
    "base64, two behind": lambda data: base64.b64encode(b"12" + data + b"after"),
    "UTF-16": lambda data: data.decode("latin-1").encode("utf-16"),
    "a repr": lambda data: repr({"key": data}).encode(),
}


@pytest.mark.parametrize("way", list(WAYS))
@pytest.mark.parametrize("at", range(len(HIDDEN)))
def test_each_key_is_found_in_each_form(way, at):
    assert found_in({"here": WAYS[way](HIDDEN[at])}, KEYS) == ["here"]


@pytest.mark.parametrize("way", [way for way in WAYS if way != "a repr"])
def test_a_number_is_found_in_each_form(way):
    assert found_in({"here": WAYS[way](b"+442079460018")}, NUMBERS) == ["here"]


def test_a_key_that_is_looked_for_is_the_one_that_makes_pseudonyms():
    digest = hmac.digest(DERIVED[RING.ids.index("k2") * 2], b"+442079460018", hashlib.sha256)
    words = [int.from_bytes(digest[at : at + 2], "big") & 0x1FFF for at in range(0, 16, 2)]
    letters = "".join(LETTERS[n // 441] + LETTERS[n // 21 % 21] + LETTERS[n % 21] for n in words)

    made = HmacPseudonymizer(RING, TENANT, region=REGION).pseudonymize("+442079460018")

    assert made == f"ph1k2_{letters}"


def test_two_files_of_one_name_are_two(tmp_path):
    for folder, text in {"a": "+442079460018", "b": ""}.items():
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "err").write_text(text)

    found = found_in(files_below(tmp_path / "a", tmp_path / "b"), NUMBERS)

    assert found == [str(tmp_path / "a" / "err")]
