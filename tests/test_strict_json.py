from __future__ import annotations

import gc
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from careof._reading.strict_json import _DECODER, _STRING_OR_BRACKET, read_json
from careof.errors import UnexpectedAnswerError
from tests import strategies
from tests.support.canary import every_view_of_error, seen_in


def read(body, *, max_depth=32):
    return read_json(body, max_depth=max_depth)


@given(strategies.json_trees)
@example({"a": "\\", "b": '"[{', "c": ['\\"]', "👍", "\x00"]})
def test_what_another_writer_wrote_is_read(tree):
    assert read(json.dumps(tree).encode()) == tree
    assert read(json.dumps(tree, ensure_ascii=False, indent=1).encode()) == tree


@pytest.mark.parametrize(
    "body, detail",
    [
        (b"", "empty"),
        (b" \r\n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"{", "json"),
        (b"[1,]", "json"),
        (b'{"a":1,}', "json"),
        (b"{'a':1}", "json"),
        (b'{"a" 1}', "json"),
        (b"// x\n{}", "json"),
        (b"{}{}", "json"),
        (b"{} []", "json"),
        (b"{}\x00", "json"),
        (b"{}]", "json"),
        (b'["a\nb"]', "json"),
        (b"[01]", "json"),
        (b"[+1]", "json"),
        (b"[.5]", "json"),
        (b"[NaN]", "json"),
        (b"[Infinity]", "json"),
        (b"[-Infinity]", "json"),
        (b"[1e999]", "json"),
        (b"[-1e999]", "json"),
        (b'{"a":1,"a":1}', "json"),
        (b'{"a":1,"\\u0061":2}', "json"),
        (b'[[{"b":{"a":1,"c":2,"a":3}}]]', "json"),
        (b'"text"', "json_type"),
        (b"1", "json_type"),
        (b"null", "json_type"),
        (b"true", "json_type"),
        (b'"{\\"a\\":1}"', "json_type"),
        ("{}".encode("utf-16"), "encoding"),
        ('{"a":"ä"}'.encode("latin-1"), "encoding"),
        (b'{"a":"\xed\xa0\x80"}', "encoding"),
        (b'{"a":"\xc0\xae"}', "encoding"),
        ("{}".encode("utf-16-le"), "json"),
        ("{}".encode("utf-32-be"), "json"),
        (b"\xef\xbb\xbf{}", "encoding"),
        (b'["' + b"\\" * 3 + b'"', "json"),
    ],
)
def test_what_two_readers_could_read_differently_is_refused(body, detail):
    refused = read(body)

    assert isinstance(refused, UnexpectedAnswerError)
    assert (refused.detail, refused.step) == (detail, "body")


PAGE = "<!DOCTYPE html><html><body>Sign in: ada@customer.example</body></html>"


@pytest.mark.parametrize(
    "body",
    [
        b"<",
        PAGE.encode(),
        b"\r\n\t " + PAGE.encode(),
        b"\xef\xbb\xbf" + PAGE.encode(),
        b"\xef\xbb\xbf\n" + PAGE.encode(),
        PAGE.replace("Sign", "Für").encode("latin-1"),
        b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>',
        b"<!-- x --><html>",
        b"<script>" + b"[{" * 40 + b"</script>",
        b'<error message="no">',
    ],
)
def test_a_page_is_called_a_page_whatever_else_is_wrong_with_it(body):
    refused = read(body)

    assert (refused.detail, refused.step) == ("html", "body")
    assert "HTML" in str(refused)
    assert seen_in(every_view_of_error(refused), ["ada@customer.example", "Sign"]) == []


@pytest.mark.parametrize(
    "body, words",
    [
        (b"", "is empty"),
        (b"\xff", "not UTF-8"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"[[]]" * 40, "one JSON document"),
        (b'"{}"', "one text"),
        (b"-1.5", "one number"),
        (b"false", "true or false"),
        (b"null", "is null"),
        (b'{"a":1,"a":2}', "twice"),
        (b"[NaN]", "64 digits"),
        (b"[1e999]", "64 digits"),
        (b"[" + b"1" * 65 + b"]", "64 digits"),
        (b"[" * 40 + b"]" * 40, "32 levels"),
    ],
)
def test_an_error_tells_what_came(body, words):
    assert words in str(read(body))


@pytest.mark.parametrize("body", [b'{"ada":{"x":[1]}}', b'{"ada":{"x":[', b'{"ada":1,"ada":2}'])
def test_the_parser_keeps_no_key_of_what_it_read(body):
    """
    It is shared, and remembers keys while it runs.
    """
    read(body)
    remembered = gc.get_referents(_DECODER.scan_once)

    assert [thing for thing in remembered if isinstance(thing, dict) and thing] == []


@pytest.mark.parametrize(
    "text",
    ["\\ud800", "\\uDFFF", "a\\udbffb", "\\udc00\\ud800", "\\ud83dx\\udc4d", "\\ud800\\u0061"],
)
@pytest.mark.parametrize("place", ['{{"a":"{}"}}', '[[{{"{}":1}}]]', '["\\\\","{}"]'])
def test_half_a_character_is_refused_wherever_it_stands(text, place):
    """
    Rendering, hashing or sending would fail on it later, and quote what is around it.
    """
    assert read(place.format(text).encode()).detail == "json"


@pytest.mark.parametrize(
    "body, tree",
    [
        (b'["\\ud83d\\udc4d"]', ["👍"]),
        (b'["\\\\ud800"]', ["\\ud800"]),
        (b'{"\\uD83D\\uDC4D":"\\u00e4"}', {"👍": "ä"}),
    ],
)
def test_whole_characters_may_be_escaped(body, tree):
    assert read(body) == tree


@pytest.mark.parametrize("opening, closing", [(b"[", b"]"), (b'{"a":', b"}")])
def test_the_depth_is_allowed_exactly_up_to_the_cap(opening, closing):
    def nested(depth):
        return opening * (depth - 1) + b"[]" + closing * (depth - 1)

    assert isinstance(read(nested(32)), dict | list)
    assert read(nested(33)).detail == "depth"
    assert isinstance(read(nested(1), max_depth=1), list)
    assert read(nested(2), max_depth=1).detail == "depth"


def test_siblings_do_not_add_to_the_depth():
    assert read(b"[[],[],[[]],{}]", max_depth=3) == [[], [], [[]], {}]


@pytest.mark.parametrize("text", ["[[[[", "{{{{", "]]", '\\"[[[', "\\\\", '\\\\\\"[[[['])
def test_brackets_inside_a_string_are_no_depth(text):
    body = b'{"a":["%s"]}' % text.encode()

    assert read(body, max_depth=2) == json.loads(body)


@pytest.mark.parametrize("tail", [b"", b"]" * 100_000])
def test_a_hundred_thousand_levels_are_refused(tail):
    assert read(b"[" * 100_000 + tail).detail == "depth"


def test_a_cap_beyond_what_python_can_recurse_is_no_crash():
    """
    Pythons differ in how deep that is.
    """
    tree = read(b"[" * 4000 + b"]" * 4000, max_depth=10**6)

    assert isinstance(tree, list) or tree.detail == "json"
    assert read(b"[" * 200_000 + b"]" * 200_000, max_depth=10**6).detail == "crowded"


def test_how_many_objects_and_arrays_there_may_be_can_be_told():
    body = b"[" + b"{}," * 5000 + b"{}]"

    assert len(read_json(body, max_depth=2, most=5002)) == 5001
    assert read_json(body, max_depth=2, most=5001).detail == "crowded"
    assert "more than 5001 objects" in str(read_json(body, max_depth=2, most=5001))


@pytest.mark.parametrize(
    "number", ["9" * 64, "-" + "9" * 63, "0." + "1" * 62, "1e300", "-0", "1e-999"]
)
def test_numbers_of_a_sane_length_are_read(number):
    assert read(f"[{number}]".encode()) == [json.loads(number)]


@pytest.mark.parametrize(
    "number", ["9" * 65, "9" * 1_000_000, "-" + "9" * 64, "0." + "1" * 63, "1." + "0" * 1_000_000]
)
def test_a_megabyte_of_digits_is_refused(number):
    assert read(f"[{number}]".encode()).detail == "json"


@pytest.mark.parametrize(
    "body",
    [
        b"[[" + b'\\"' * 30_000,
        b'[["' + b'\\"' * 30_000,
        b'[["' + b"\\" * 60_001,
        b"[[" + b'"' * 60_001,
    ],
)
def test_a_string_without_an_end_is_looked_at_once(body):
    """
    Were each of these quotes tried as a beginning, half a minute would pass.
    """
    last = list(_STRING_OR_BRACKET.finditer(body))[-1]

    assert last.end() >= len(body) - 1
    assert read(body).detail == "json"


@given(st.binary(max_size=40) | st.text(st.sampled_from('{}[]",:\\ud8019.e-a'), max_size=40))
def test_any_bytes_give_a_tree_or_our_error(body):
    body = body if isinstance(body, bytes) else body.encode()

    assert isinstance(read(body), dict | list | UnexpectedAnswerError)


@given(strategies.emails, st.sampled_from(['{"a":"%s"', '"%s"', '["%s",NaN]', '{"%s":1,"%s":2}']))
def test_no_error_holds_anything_of_the_body(address, body):
    body = body.replace("%s", address).encode()

    assert seen_in(every_view_of_error(read(body)), [address]) == []


def test_an_error_holds_nothing_of_a_body_that_is_no_text():
    refused = read(b'{"a":"ada@customer.example\xff"}')

    assert seen_in(every_view_of_error(refused), ["ada@customer.example"]) == []
    assert (refused.__context__, refused.__cause__) == (None, None)


@pytest.mark.parametrize("item", [b"[]", b"{}", b'{"":1}'])
def test_more_objects_and_arrays_than_an_answer_needs_are_refused(item):
    few, many = (b"[" + b",".join([item] * count) + b"]" for count in (4095, 4096))

    assert isinstance(read_json(few, max_depth=2), list)
    assert read_json(many, max_depth=2).detail == "crowded"
