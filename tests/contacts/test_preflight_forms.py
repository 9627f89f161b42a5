from __future__ import annotations

import base64
import bz2
import gzip
import json
import lzma
import pickle
import zlib

import pytest

from careof.contacts import _forms
from tests.contacts.test_preflight import found_in
from tests.support.canary import EMAIL, PHONE

JSON = json.dumps({"to": EMAIL})


def b64(data):
    return base64.b64encode(data if isinstance(data, bytes) else data.encode()).decode()


def wrapped(text):
    return base64.encodebytes(text.encode()).decode()


@pytest.mark.parametrize(
    "value, path",
    [
        (JSON, "a:json.to"),
        (f"  {JSON}\n", "a:json.to"),
        (json.dumps(JSON), "a:json:json.to"),
        (json.dumps(EMAIL), "a:json"),
        (f'{{"to": "{EMAIL}", "to": ""}}', "a:json.to"),
        (f"{{'to': '{EMAIL}'}}", "a"),
        (f'{{"to": "{EMAIL}"', "a"),
        (JSON.encode(), "a:json.to"),
        (bytearray(JSON.encode()), "a:json.to"),
        (memoryview(JSON.encode()), "a:json.to"),
        (EMAIL.replace("@", "%40"), "a:url"),
        (f"next=%252Fx%253Fto%253D{EMAIL.replace('@', '%2540')}", "a:url:url"),
        (EMAIL.replace("@", "&#64;"), "a:html"),
        (EMAIL.replace("@", "&commat;"), "a:html"),
        (EMAIL.replace("@", r"\u0040"), "a:escaped"),
        (EMAIL.replace("@", r"\x40"), "a:escaped"),
        (EMAIL.replace("@", "=40"), "a:escaped"),
        ("canary.ada=40customer=\r\n.example", "a:escaped"),
        ("canary.ada@customer=\n.example", "a:escaped"),
        (b64(EMAIL), "a:base64"),
        (b64(EMAIL).rstrip("="), "a:base64"),
        (b64(EMAIL + "\xff>?") + "A", "a:base64"),
        (base64.urlsafe_b64encode(f"{EMAIL}\xff\xfe?>?>".encode()).decode(), "a:base64"),
        (f"eyJhbGciOiJub25lIn0.{b64(JSON).rstrip('=')}.", "a:base64:json.to"),
        (f"Basic {b64(EMAIL + ':x')}", "a:base64"),
        (wrapped("x" * 50 + " " + EMAIL), "a:base64"),
        (zlib.compress(JSON.encode()), "a:packed:json.to"),
        (gzip.compress(JSON.encode()), "a:packed:json.to"),
        (bz2.compress(JSON.encode()), "a:packed:json.to"),
        (lzma.compress(JSON.encode()), "a:packed:json.to"),
        (b64(zlib.compress(JSON.encode())), "a:base64:packed:json.to"),
        (pickle.dumps([EMAIL]), "a:pickle"),
        (pickle.dumps([EMAIL], protocol=0), "a"),
        (pickle.dumps([EMAIL.encode()]), "a:pickle"),
        (pickle.dumps({"x": JSON}), "a:pickle:json.to"),
        (b64(pickle.dumps([EMAIL])), "a:base64:pickle"),
        (b"\x80\x04no pickle " + EMAIL.encode(), "a"),
        (b"\x78\x9cnot packed " + EMAIL.encode(), "a"),
        (b"\x1f\x8bnot packed " + EMAIL.encode(), "a"),
        (b"\xff\xfe\x00 " + EMAIL.encode() + b"\xff", "a"),
        (EMAIL.encode("utf-16"), "a"),
        (EMAIL.encode("utf-32-be"), "a"),
        (EMAIL.replace("@", "&#X40;"), "a:html"),
        (EMAIL.replace("@", "&#64"), "a:html"),
        (EMAIL.replace("@", "&amp;#64;"), "a:html:html"),
        (EMAIL.replace("@", r"\\u0040"), "a:escaped:escaped"),
        (EMAIL.replace("@", "@\u202e"), "a"),
        ("\ufeff" + JSON, "a:json.to"),
        (b64(f"Zoë {EMAIL}"), "a:base64"),
        (EMAIL.encode().hex(), "a:hex"),
        (r"\x" + JSON.encode().hex().upper(), "a:hex:json.to"),
        ("0x" + pickle.dumps([EMAIL]).hex(), "a:hex:pickle"),
        (lzma.compress(JSON.encode(), format=lzma.FORMAT_ALONE), "a:packed:json.to"),
        (gzip.compress(b"x ") + gzip.compress(EMAIL.encode()), "a:packed"),
        (bz2.compress(b"x ") + bz2.compress(EMAIL.encode()), "a:packed"),
        (lzma.compress(b"x ") + lzma.compress(EMAIL.encode()), "a:packed"),
        (zlib.compress(b"x") + EMAIL.encode(), "a:packed"),
        (pickle.dumps(1) + pickle.dumps([EMAIL]), "a:pickle"),
        (pickle.dumps(1) + EMAIL.encode(), "a:pickle"),
        (pickle.dumps(1) + b"\x80\x04" + EMAIL.encode(), "a:pickle"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("a") else "",
)
def test_an_address_is_found_in_every_form(value, path):
    assert found_in({"a": value}) == {(path, "email")}


@pytest.mark.parametrize(
    "value, path",
    [
        (PHONE.replace("+", "%2B"), "a:url"),
        (PHONE.replace("+", r"\u002b"), "a:escaped"),
        (b64(PHONE), "a:base64"),
        (b64(f"Zoë {PHONE}"), "a:base64"),
        (PHONE.replace("+", "\ufe62"), "a"),
        ('"x\\n+44 20 7946 0018', "a"),
    ],
)
def test_a_number_is_found_in_every_form(value, path):
    assert (path, "phone") in found_in({"a": value})


def test_a_pickle_is_read_and_not_loaded(tmp_path):
    target = tmp_path / "made"

    class Trap:
        def __reduce__(self):
            return (open, (str(target), "w"))

    assert found_in({"a": pickle.dumps([Trap(), EMAIL])}) == {("a:pickle", "email")}
    assert not target.exists()


def test_a_bomb_is_unpacked_only_so_far(monkeypatch):
    bomb = zlib.compress(b"x " * 2**20 + EMAIL.encode())

    assert found_in({"a": bomb}) == {("a:packed", "unread")}


@pytest.mark.parametrize(
    "packed",
    [
        gzip.compress(EMAIL.encode())[:-15],
        bz2.compress(EMAIL.encode() * 100)[:-20],
        gzip.compress(b"x") * (_forms.MOST_PIECES + 1),
        zlib.compress(b"x") + b"\x1f\x8bnot packed",
    ],
    ids=["cut", "cut before anything came out", "in too many pieces", "broken further on"],
)
def test_what_is_not_unpacked_to_its_end_is_said_to_be_so(packed):
    assert ("a:packed", "unread") in found_in({"a": packed})


def test_what_is_packed_in_another_way_is_not_passed_over_in_base64():
    assert found_in({"a": b64(b"\x28\xb5\x2f\xfd\xff\xfe\xff\xfe\xff")}) == {
        ("a:base64", "unread")
    }


def test_a_pickle_of_too_many_operations_is_read_only_so_far(monkeypatch):
    monkeypatch.setattr(_forms, "MOST_OPERATIONS", 10)

    assert found_in({"a": pickle.dumps([EMAIL, *range(300)])}) == {
        ("a:pickle", "email"),
        ("a:pickle", "unread"),
    }


@pytest.mark.parametrize("beginning", [b"\x28\xb5\x2f\xfd", b"PK\x03\x04", b"\x04\x22\x4d\x18"])
def test_what_is_packed_in_another_way_is_said_not_to_be_looked_into(beginning):
    assert found_in({"a": beginning + b"..."}) == {("a", "unread")}


@pytest.mark.parametrize(
    "value",
    [
        "[" * 100_000,
        "1" * 10_000,
        "[" + "1" * 10_000 + "]",
        '"' + "x" * _forms.MOST_JSON,
        "%",
        "100%",
        "&",
        "a=b",
        "\\",
        "{}",
        "",
        b"",
        b"\x80",
        b"\x78",
        "A" * 13,
        "ff" * 9,
        "line\nline",
    ],
    ids=lambda value: repr(value[:8]),
)
def test_nothing_is_found_in_what_only_looks_like_a_form(value):
    assert found_in({"a": value}) == set()


def test_a_long_json_is_read_as_text():
    value = json.dumps({"to": EMAIL, "x": "x " * _forms.MOST_JSON})

    assert found_in({"a": value}) == {("a", "email")}
