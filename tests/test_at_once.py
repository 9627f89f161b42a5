"""
What is read at once must be what the parser would have read.
"""

from __future__ import annotations

import h11
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careof._network.at_once import at_once
from careof._network.parsing import Parsing

REQUEST = httpx.Request("GET", "https://contacts.example/p-1")
GOOD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n"
    b'Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nX-Empty:\r\n\r\n{"id": 1}'
)


def read(data, max_body=1000):
    return at_once(data, REQUEST, max_body)


def parsed(data):
    """
    What h11 reads from the same bytes, and whether the connection goes on.
    """
    parsing = Parsing(REQUEST, 1000)
    try:
        return parsing.feed(data), parsing.leaves_quiet
    except h11.ProtocolError:
        return None, False


def facts(response):
    return response.status_code, response.headers.multi_items(), response.content


def test_a_plain_answer_is_read():
    response = read(GOOD)

    assert facts(response) == facts(parsed(GOOD)[0])
    assert response.content == b'{"id": 1}'


@pytest.mark.parametrize("status", [b"200 OK", b"404 Not Found", b"500 ", b"299 x  y"])
def test_whatever_the_status_says(status):
    data = GOOD.replace(b"200 OK", status)

    assert facts(read(data)) == facts(parsed(data)[0])


def test_a_body_of_nothing_is_a_body():
    data = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"

    assert facts(read(data)) == facts(parsed(data)[0])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD[:-1],
        GOOD + b"x",
        GOOD + GOOD,
        GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"),
        GOOD.replace(b"200 OK", b"200"),
        GOOD.replace(b"200", b"100"),
        GOOD.replace(b"200", b"204"),
        GOOD.replace(b"200", b"205"),
        GOOD.replace(b"200", b"304"),
        GOOD.replace(b"200", b"600"),
        GOOD.replace(b"200", b" 200"),
        GOOD.replace(b"keep-alive\r\nK", b"close\r\nK"),
        GOOD.replace(b"keep-alive\r\nK", b"keep-alive, Upgrade\r\nK"),
        GOOD.replace(b"X-Empty:", b"Transfer-Encoding: chunked"),
        GOOD.replace(b"X-Empty:", b"Content-Encoding: gzip"),
        GOOD.replace(b"X-Empty:", b"Content-Length: 9"),
        GOOD.replace(b"X-Empty:", b"X-Folded: a\r\n b"),
        GOOD.replace(b"X-Empty:", b"X-Name : a"),
        GOOD.replace(b"X-Empty:", b"X-Latin: \xe9"),
        GOOD.replace(b"X-Empty:", b"X-Nul: a\x00b"),
        GOOD.replace(b"X-Empty:", b"X-Return: a\rb"),
        GOOD.replace(b"X-Empty:", b"X-Tab:\ta"),
        GOOD.replace(b"X-Empty:", b"no colon"),
        GOOD.replace(b"Length: 9", b"Length: 09"),
        GOOD.replace(b"Length: 9", b"Length: +9"),
        GOOD.replace(b"Length: 9", b"Length: 9, 9"),
        GOOD.replace(b"Length: 9", b"Length: 8"),
        GOOD.replace(b"Content-Length: 9\r\n", b""),
        GOOD.replace(b"\r\n", b"\n"),
    ],
)
def test_what_is_not_plain_is_left_to_the_parser(data):
    assert read(data) is None


def test_what_is_larger_than_the_cap_is_left_to_the_parser():
    assert read(GOOD, max_body=8) is None


def test_a_long_head_is_read_in_no_time():
    """
    Its expression must not try again from every line, or from every space.
    """
    lines = b"X: " + b" " * 60_000 + b"\r\n"

    assert read(b"HTTP/1.1 200 OK\r\n" + lines + b"x" * 10) is None
    assert read(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 10_000 + b"x") is None


pieces = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 404 Not Found\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n",
        b"HTTP/1.0 200 OK\r\n",
        b"Content-Length: 2\r\n",
        b"content-length:2\r\n",
        b"Content-Length: 02\r\n",
        b"Content-Length: 0\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: identity\r\n",
        b"Connection: keep-alive\r\n",
        b"Connection: close\r\n",
        b"X-Name: value\r\n",
        b"X-Name:\r\n",
        b"X-Name:  \tvalue \r\n",
        b" folded\r\n",
        b"\r\n",
        b"\n",
        b"{}",
        b"\x00",
        b"\xe9",
    ]
)


@settings(max_examples=1500)
@given(st.lists(pieces, min_size=2, max_size=7).map(b"".join))
def test_what_is_read_at_once_is_what_the_parser_reads(data):
    response = read(data)
    if response is not None:
        other, goes_on = parsed(data)

        assert facts(response) == facts(other)
        assert goes_on


@settings(max_examples=800)
@given(st.integers(0, len(GOOD) - 1), st.binary(max_size=3), st.integers(0, 3))
def test_a_good_answer_that_was_changed_is_read_as_the_parser_reads_it(place, bytes_in, bytes_out):
    data = GOOD[:place] + bytes_in + GOOD[place + bytes_out :]
    response = read(data)
    if response is not None:
        other, goes_on = parsed(data)

        assert facts(response) == facts(other)
        assert goes_on
