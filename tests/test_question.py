from __future__ import annotations

import h11
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careof._network.network import Network
from careof._network.question import _by_h11, _is_framed, question
from careof.auth import ApiKeyAuth

URL = "https://contacts.example/people/p-1?x=%20y"


def asked(method="GET", *, keep_alive=True, **options):
    return question(httpx.Request(method, URL, **options), keep_alive=keep_alive)


def by_h11(request, *, keep_alive=True):
    """
    The same request, written by h11 alone.
    """
    replaced = (b"accept-encoding", b"cache-control", b"connection")
    headers = [pair for pair in request.headers.raw if pair[0].lower() not in replaced]
    headers += [(b"Accept-Encoding", b"identity"), (b"Cache-Control", b"no-cache, no-store")]
    if not keep_alive:
        headers += [(b"Connection", b"close")]
    return _by_h11(request.method.encode(), request.url.raw_path, headers, request.read())


@pytest.mark.parametrize("keep_alive", [True, False])
@pytest.mark.parametrize(
    "request_",
    [
        httpx.Request("GET", URL),
        httpx.Request("GET", URL, headers={"Authorization": "Bearer a.b", "CONNECTION": "x"}),
        httpx.Request("POST", URL, json={"id": "p-1"}),
        httpx.Request("POST", URL, data={"id": "p 1"}),
        httpx.Request("POST", URL),
        httpx.Request("DELETE", URL),
    ],
)
def test_a_request_is_written_as_h11_writes_it(request_, keep_alive):
    assert question(request_, keep_alive=keep_alive) == by_h11(request_, keep_alive=keep_alive)


def test_a_connection_that_is_not_kept_says_so():
    assert b"\r\nConnection: close\r\n" in asked(keep_alive=False)
    assert b"connection" not in asked(keep_alive=True).lower()


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Key": "k\r\nX-Evil: 1"},
        {"X-Key": "k\nX-Evil: 1"},
        {"X-Key": "k\r\n\r\nGET /other HTTP/1.1"},
        {"X-Key": "k\x00"},
        {"X Key": "k"},
        {"X-Key\r\nX-Evil": "1"},
        {"X-Key:": "k"},
        {"Content-Length": "5"},
        [("Host", "a.example"), ("Host", "b.example")],
    ],
)
def test_what_could_be_read_as_more_is_never_sent(headers):
    with pytest.raises(h11.LocalProtocolError):
        asked(headers=headers)


@pytest.mark.parametrize(
    "headers, body, framed",
    [
        ([(b"Host", b"a")], b"", True),
        ([(b"host", b"a"), (b"Content-Length", b"0")], b"", True),
        ([(b"Host", b"a"), (b"Content-Length", b"2")], b"{}", True),
        ([], b"", False),
        ([(b"Host", b"a"), (b"host", b"a")], b"", False),
        ([(b"Host", b"a")], b"{}", False),
        ([(b"Host", b"a"), (b"Content-Length", b"3")], b"{}", False),
        ([(b"Host", b"a"), (b"Content-Length", b"2"), (b"content-length", b"2")], b"{}", False),
        ([(b"Host", b"a"), (b"Transfer-Encoding", b"chunked")], b"", False),
    ],
)
def test_only_a_request_with_one_host_and_the_right_length_is_written_by_us(headers, body, framed):
    assert _is_framed(headers, body) is framed


def test_a_key_of_the_query_is_written_into_the_bytes_and_nowhere_else():
    request = Network().call(1).carried_by(httpx.Request("GET", URL))
    ApiKeyAuth("key", "k&1", location="query").apply(request)
    written = question(request, keep_alive=True)

    assert written.startswith(b"GET /people/p-1?x=%20y&key=k%261 HTTP/1.1\r\n")
    assert str(request.url) == URL


def test_a_request_that_h11_writes_has_it_as_well():
    request = Network().call(1).carried_by(httpx.Request("DELETE", URL))
    ApiKeyAuth("key", "k-1", location="query").apply(request)

    assert question(request, keep_alive=True).startswith(b"DELETE /people/p-1?x=%20y&key=k-1 ")


texts = st.text(st.characters(max_codepoint=255), max_size=8)


@settings(max_examples=800)
@given(st.lists(st.tuples(texts, texts), max_size=3), st.sampled_from(["GET", "POST"]))
def test_whatever_a_strategy_makes_of_the_headers(pairs, method):
    """
    It is written as h11 writes it, or refused as h11 refuses it.
    """
    try:
        request = httpx.Request(method, URL, headers=httpx.Headers(pairs, encoding="latin-1"))
        expected = by_h11(request)
    except (h11.LocalProtocolError, UnicodeError):
        expected = None
    try:
        written = question(request, keep_alive=True)
    except (h11.LocalProtocolError, UnicodeError):
        written = None

    assert written == expected
