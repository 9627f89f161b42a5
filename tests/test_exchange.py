from __future__ import annotations

import gzip
import itertools

import h11
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from careof._network.exchange import Exchange
from careof._network.parsing import MAX_HEAD, MAX_INTERIM, _Growing
from careof.errors import CareofError, UnexpectedAnswerError

GOOD = b'HTTP/1.1 200 OK\r\nContent-Length: 9\r\nX-Who: us\r\n\r\n{"id": 1}'
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b'4\r\n{"id\r\n5;note=x\r\n": 1}\r\n0\r\nX-Trailer: x\r\n\r\n'
)
REQUEST = httpx.Request("GET", "https://a.example/c/1?x=2", headers={"X-Key": "k"})


def answer(*pieces, request=REQUEST, max_body=1000):
    """
    What an exchange makes of the *pieces* that come in, and then of the end.
    """
    exchange = Exchange(request, max_body=max_body)
    answers = (exchange.feed(piece) for piece in (*pieces, b""))
    return next(answer for answer in answers if answer is not None)


def question(request):
    return Exchange(request, max_body=1000).question


def test_first_the_question_is_sent_whole():
    request = httpx.Request("POST", "https://a.example/c", json={"id": "ref-1"})
    head, _, body = question(request).partition(b"\r\n\r\n")

    assert head.startswith(b"POST /c HTTP/1.1\r\n")
    assert body == b'{"id":"ref-1"}'


def test_a_question_has_the_headers_of_its_request_and_its_host():
    lines = question(REQUEST).split(b"\r\n")

    assert lines[0] == b"GET /c/1?x=2 HTTP/1.1"
    assert {b"Host: a.example", b"X-Key: k"} <= set(lines)


def test_a_question_asks_for_a_plain_answer_on_a_connection_of_its_own():
    request = httpx.Request(
        "GET",
        "https://a.example/",
        headers={"accept-encoding": "gzip, br", "CONNECTION": "keep-alive"},
    )
    lines = question(request).lower().split(b"\r\n")

    assert [line for line in lines if line.startswith((b"accept-encoding", b"connection"))] == [
        b"accept-encoding: identity",
        b"connection: close",
    ]


@pytest.mark.parametrize("raw", [GOOD, CHUNKED])
def test_a_complete_answer_is_returned(raw):
    response = answer(raw)

    assert (response.status_code, response.content) == (200, b'{"id": 1}')


@pytest.mark.parametrize("raw", [GOOD, CHUNKED])
def test_wherever_an_answer_is_split_it_is_the_same(raw):
    answers = [answer(raw[:at], raw[at:]) for at in range(1, len(raw))]

    assert {(a.status_code, a.content) for a in answers} == {(200, b'{"id": 1}')}


@pytest.mark.parametrize("raw", [GOOD, CHUNKED])
def test_an_answer_may_come_byte_by_byte(raw):
    response = answer(*(bytes([byte]) for byte in raw))

    assert response.content == b'{"id": 1}'


@pytest.mark.parametrize("raw", [GOOD, CHUNKED])
def test_an_answer_cut_anywhere_is_none(raw):
    for at in range(1, len(raw)):
        with pytest.raises(h11.RemoteProtocolError):
            answer(raw[:at])


def test_headers_of_an_answer_are_kept():
    assert answer(GOOD).headers["x-who"] == "us"


def test_of_two_answers_none_is_used():
    second = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

    assert answer(GOOD + second).detail == "trailing_data"


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_never_has_a_body_needs_no_length(status):
    response = answer(b"HTTP/1.1 %s\r\n\r\n" % status)

    assert (response.status_code, response.content) == (int(status[:3]), b"")


def test_a_few_interim_answers_are_skipped():
    assert answer(b"HTTP/1.1 100 Continue\r\n\r\n" * MAX_INTERIM + GOOD).status_code == 200


@pytest.mark.parametrize(
    "raw, detail",
    [
        (b"HTTP/1.1 100 Continue\r\n\r\n" * (MAX_INTERIM + 1) + GOOD, "interim_answers"),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", "unframed"),
        (b"HTTP/1.0 200 OK\r\n\r\n{}", "unframed"),
        (b"HTTP/1.1 500 Oops\r\n\r\n{}", "unframed"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", "too_large"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", "too_large"),
        (b"HTTP/1.1 404 No\r\nContent-Length: 1001\r\n\r\n", "too_large"),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b" " * 1001,
            "too_large",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Encoding: gzip\r\n\r\n",
            "content_encoding",
        ),
    ],
)
def test_an_answer_that_could_be_cut_or_huge_or_compressed_is_refused(raw, detail):
    refused = answer(raw)

    assert type(refused) is UnexpectedAnswerError
    assert (refused.detail, refused.step) == (detail, "status")


def test_a_connection_that_closes_without_a_word_is_no_answer():
    with pytest.raises(h11.RemoteProtocolError):
        answer()


@pytest.mark.parametrize("event", [h11.ConnectionClosed(), h11.PAUSED])
def test_an_event_that_is_no_part_of_an_answer_ends_it(event):
    """
    So that no event of a later h11 makes the loop go round for ever.
    """
    assert _Growing(REQUEST, 1000).add(event).detail == "no_answer"


def test_an_answer_of_exactly_the_cap_is_read():
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + b"1" * 9

    assert answer(raw, max_body=9).content == b"1" * 9


@pytest.mark.parametrize("size", [8, 1])
def test_an_answer_over_the_cap_ends_before_it_is_read_whole(size):
    raw = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = (raw, *[b"8\r\n" + b"1" * 8 + b"\r\n"] * (1 + 1000 // 8))

    assert answer(*pieces, max_body=size).detail == "too_large"


@pytest.mark.parametrize(
    "raw",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x00\xff\xfe",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x9\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX-Huge: " + b"a" * (MAX_HEAD + 1),
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    ],
)
def test_what_is_no_http_is_a_protocol_error(raw):
    with pytest.raises(h11.RemoteProtocolError):
        answer(raw)


def test_headers_without_end_are_refused_before_their_end():
    exchange = Exchange(REQUEST, max_body=1000)

    with pytest.raises(h11.RemoteProtocolError):
        exchange.feed(b"HTTP/1.1 200 OK\r\nX-Huge: " + b"a" * MAX_HEAD)


def test_a_header_that_would_end_its_line_is_never_sent():
    request = httpx.Request("GET", "https://a.example/", headers={"X-Key": "k\r\nX-Evil: 1"})

    with pytest.raises(h11.LocalProtocolError):
        question(request)


def test_a_compressed_bomb_is_never_opened():
    bomb = gzip.compress(gzip.compress(b" " * 1_000_000))
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n"
    refused = answer(head % len(bomb) + bomb, max_body=65_536)

    assert refused.detail == "content_encoding"


fragments = st.sampled_from(
    [
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n",
        b"HTTP/1.0 304 Not Modified\r\n",
        b"Content-Length: 2\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: 1, 1\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\n",
        b"\r\n",
        b"{}",
        b"2\r\n{}\r\n",
        b"0\r\n\r\n",
        b"\x00",
    ]
)


@settings(max_examples=300)
@given(st.lists(fragments | st.binary(max_size=40), max_size=12))
def test_whatever_comes_in_one_of_three_things_comes_out(pieces):
    try:
        wanted = answer(*pieces)
    except h11.ProtocolError:
        return

    assert isinstance(wanted, httpx.Response | CareofError)


@given(st.binary(max_size=300), st.lists(st.integers(1, 400), max_size=6))
def test_any_body_comes_out_as_it_went_in(body, cuts):
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    edges = [0, *sorted(cut for cut in cuts if cut < len(raw)), len(raw)]
    pieces = [raw[a:b] for a, b in itertools.pairwise(edges) if a < b]

    assert answer(*pieces).content == body


def test_an_answer_whose_end_is_told_in_two_ways_is_refused():
    raw = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\n{}\r\n0\r\n\r\n"
    )

    assert answer(raw).detail == "unframed"


@pytest.mark.parametrize("cuts", [(), (10,), (20_000,), (39_000,)])
def test_a_head_that_is_too_large_is_none_however_it_is_cut(cuts):
    raw = GOOD.replace(b"X-Who: us", b"X-Big: " + b"a" * 40_000)
    places = [0, *cuts, len(raw)]
    with pytest.raises(h11.RemoteProtocolError):
        answer(*(raw[i:j] for i, j in itertools.pairwise(places)))


@pytest.mark.parametrize("version", [b"HTTP/2.0", b"HTTP/9.9", b"HTTP/0.9"])
def test_another_version_of_http_is_none(version):
    with pytest.raises(h11.RemoteProtocolError):
        answer(GOOD.replace(b"HTTP/1.1", version))


def test_the_version_before_has_no_chunks():
    assert answer(GOOD.replace(b"HTTP/1.1", b"HTTP/1.0")).status_code == 200
    assert answer(CHUNKED.replace(b"HTTP/1.1", b"HTTP/1.0")).detail == "unframed"
