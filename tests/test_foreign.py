from __future__ import annotations

import gzip

import httpx
import pytest
from anyio.lowlevel import checkpoint

from careof import NetworkPolicy
from careof._network.foreign import AsyncForeign, Foreign
from careof._network.network import Network
from careof.auth import ApiKeyAuth
from careof.errors import (
    AuthenticationError,
    CareofError,
    DeadlineError,
    DestinationRefusedError,
    EndpointUnavailableError,
    ReferenceGoneError,
    UnexpectedAnswerError,
)

URL = "https://contacts.example/c/canary-ref"
CANARY = "canary-secret-0001"
MAX_BODY = 25


def foreign(shell, transport, policy=None):
    kind = Foreign if shell.name == "sync" else AsyncForeign
    return kind(transport, policy or NetworkPolicy(), MAX_BODY)


def asked(shell, answer, url=URL):
    """
    What comes of a question to a transport that answers as *answer* does.
    """
    transport = httpx.MockTransport(answer)
    return shell.call(foreign(shell, transport).ask, httpx.Request("GET", url))


class Streaming(httpx.SyncByteStream, httpx.AsyncByteStream):
    """
    A body that comes in chunks, and knows how many were taken and whether it was closed.
    """

    def __init__(self, chunks, error=None):
        self._chunks = chunks
        self._error = error
        self.taken = 0
        self.closed = False

    def __iter__(self):
        for chunk in self._chunks:
            self.taken += 1
            yield chunk
        if self._error is not None:
            raise self._error

    def __aiter__(self):
        # No generator: httpx leaves one of a stream that it gives up unclosed.
        self._rest = iter(self)
        return self

    async def __anext__(self):
        await checkpoint()
        for chunk in self._rest:
            return chunk
        raise StopAsyncIteration

    def close(self):
        self.closed = True

    async def aclose(self):
        self.closed = True


def streamed(shell, stream, **facts):
    return asked(shell, lambda _: httpx.Response(200, stream=stream, **facts))


def test_an_answer_comes_back_with_its_status_its_headers_and_its_request(shell):
    def answer(request):
        return httpx.Response(404, headers={"X-One": "1"}, json={"id": 1})

    response = asked(shell, answer)

    assert (response.status_code, response.headers["x-one"]) == (404, "1")
    assert (response.json(), response.request.url) == ({"id": 1}, URL)


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/", "http://contacts.example/", "https://[::1]/"]
)
def test_nothing_is_asked_where_the_policy_lets_nobody_go(shell, url):
    seen = []
    failure = asked(shell, seen.append, url)

    assert (type(failure), seen) == (DestinationRefusedError, [])


def test_a_body_that_comes_in_chunks_is_read_whole(shell):
    stream = Streaming([b'{"id"', b": 1}"])

    assert streamed(shell, stream).json() == {"id": 1}
    assert stream.closed


def test_an_answer_that_says_it_came_in_chunks_is_one_piece_here(shell):
    stream = Streaming([b'{"id"', b": 1}"])
    response = streamed(shell, stream, headers={"Transfer-Encoding": "chunked"})

    assert response.is_closed
    assert response.json() == {"id": 1}


def test_a_body_in_chunks_is_read_no_further_than_the_cap(shell):
    stream = Streaming([b" " * 10] * 1000)
    failure = streamed(shell, stream)

    assert (type(failure), failure.detail) == (UnexpectedAnswerError, "too_large")
    assert (stream.taken, stream.closed) == (3, True)


@pytest.mark.parametrize("size, is_read", [(MAX_BODY, True), (MAX_BODY + 1, False)])
def test_the_cap_holds_for_a_body_that_is_there_at_once(shell, size, is_read):
    answer = asked(shell, lambda _: httpx.Response(200, content=b" " * size))

    assert isinstance(answer, httpx.Response) == is_read


@pytest.mark.parametrize("size, is_read", [(MAX_BODY, True), (MAX_BODY + 1, False)])
def test_the_cap_holds_for_a_body_that_comes_in_chunks(shell, size, is_read):
    answer = streamed(shell, Streaming([b" "] * size))

    assert isinstance(answer, httpx.Response) == is_read


def test_a_body_that_breaks_off_is_no_answer(shell):
    stream = Streaming([b'{"id": 1}'], httpx.ReadError(CANARY))
    failure = streamed(shell, stream)

    assert (type(failure), failure.detail) == (EndpointUnavailableError, "ReadError")
    assert stream.closed


@pytest.mark.parametrize("coding", ["gzip", "GZip", "br", "gzip, gzip", "x-unknown"])
def test_a_compressed_body_is_refused_unopened(shell, coding):
    stream = Streaming([gzip.compress(b"{}")])
    failure = streamed(shell, stream, headers={"Content-Encoding": coding})

    assert (failure.detail, stream.taken, stream.closed) == ("content_encoding", 0, True)


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_a_body_that_is_not_compressed_may_say_so(shell, coding):
    stream = Streaming([b'{"id": 1}'])

    assert streamed(shell, stream, headers={"Content-Encoding": coding}).json() == {"id": 1}


@pytest.mark.parametrize("kind", [RuntimeError, httpx.ReadError, UnicodeError, OSError])
def test_of_a_transport_that_fails_only_the_class_name_is_kept(shell, kind):
    def answer(request):
        raise kind(f"{request.url} {CANARY}")

    failure = asked(shell, answer)

    assert (type(failure), failure.detail) == (EndpointUnavailableError, kind.__name__)
    assert failure.__context__ is None
    assert "canary" not in f"{failure} {vars(failure)}"


def test_a_group_of_exceptions_is_an_error_of_ours_as_well(shell):
    def answer(request):
        raise ExceptionGroup(CANARY, [ValueError(CANARY)])

    failure = asked(shell, answer)

    assert isinstance(failure, CareofError)
    assert "canary" not in str(failure)


@pytest.mark.parametrize("kind", [httpx.ReadTimeout, httpx.ConnectTimeout, TimeoutError])
def test_a_transport_that_gives_up_waiting_is_too_late(shell, kind):
    def answer(request):
        raise kind(CANARY)

    assert type(asked(shell, answer)) is DeadlineError


def test_an_error_of_ours_that_a_transport_raises_stays(shell):
    error = ReferenceGoneError("Gone.")

    def answer(request):
        raise error

    assert asked(shell, answer) is error


def test_what_is_no_response_is_an_error_of_ours(shell):
    class Odd(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request):
            return CANARY

        async def handle_async_request(self, request):
            return CANARY

    failure = shell.call(foreign(shell, Odd()).ask, httpx.Request("GET", URL))

    assert (type(failure), failure.detail) == (EndpointUnavailableError, "AttributeError")
    assert "canary" not in str(failure)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_what_ends_the_program_passes_and_the_answer_is_closed(shell, error):
    stream = Streaming([b"{"], error())
    with pytest.raises(error):
        streamed(shell, stream)

    assert stream.closed


def test_an_answer_that_fails_while_it_is_closed_is_an_error_of_ours(shell):
    class Stubborn(Streaming):
        def close(self):
            raise LookupError(CANARY)

        async def aclose(self):
            self.close()

    failure = streamed(shell, Stubborn([b"{}"]))

    assert (type(failure), failure.detail) == (EndpointUnavailableError, "LookupError")


def test_a_key_of_the_query_is_seen_by_the_transport_alone(shell):
    seen = []

    def answer(request):
        seen.append(str(request.url))
        return httpx.Response(200)

    request = Network().call(1).carried_by(httpx.Request("GET", URL))
    ApiKeyAuth("key", CANARY, location="query").apply(request)
    response = shell.call(foreign(shell, httpx.MockTransport(answer)).ask, request)

    assert seen == [f"{URL}?key={CANARY}"]
    assert str(response.url) == str(request.url) == URL


def test_a_key_that_has_no_place_is_an_error_of_ours(shell):
    request = Network().call(1).carried_by(httpx.Request("GET", URL))
    ApiKeyAuth("key", CANARY, location="query").apply(request)
    request.url = httpx.URL(f"{URL}?key=1")
    failure = shell.call(foreign(shell, httpx.MockTransport(lambda _: None)).ask, request)

    assert (type(failure), failure.detail) == (AuthenticationError, "credential_clash")
    assert CANARY not in f"{failure} {vars(failure)}"


def test_it_cannot_be_probed_and_needs_not(shell):
    requests = []
    transport = foreign(shell, httpx.MockTransport(requests.append))

    assert shell.call(transport.probe, httpx.Request("GET", URL)) is None
    assert requests == []
