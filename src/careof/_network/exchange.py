"""
One HTTP/1.1 request and its answer, without a socket.

Theory of operation: a generator that yields the bytes to send, then None each
time it wants bytes and is sent those that came, and last the answer.  h11
parses; this file decides what counts as one complete, well-formed, small
answer.  One that only the closing of the connection ends could have been cut
anywhere, and is refused.  Imported at the first request, because of h11.
"""

from __future__ import annotations

from collections.abc import Generator

import h11
import httpx

from careof._network.unread import Answer, encoded, is_encoded, too_large, unread
from careof.errors import UnexpectedAnswerError

MAX_HEAD = 32 * 1024  # bytes of a status line and headers
MAX_INTERIM = 8  # 1xx answers before the real one

Wanted = bytes | Answer | None
Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


def exchange(request: httpx.Request, *, max_body: int) -> Generator[Wanted, bytes | None, None]:
    """
    Ask *request* on a fresh connection, and yield the whole answer in the end.

    Raises:
        h11.ProtocolError: The answer is no HTTP/1.1, or ended too early.
    """
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    yield _question(connection, request)
    answer = _Answer(max_body)
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data((yield None) or b"")
        else:
            complete = answer.add(event)
            if isinstance(complete, httpx.Response) and connection.trailing_data[0]:
                # Two answers to one question: nobody knows which is the right one.
                complete = unread("more follows it than was asked for", "trailing_data")
            if complete is not None:
                yield complete


class _Answer:
    """
    An answer that grows event by event, until it is complete or refused.
    """

    def __init__(self, max_body: int) -> None:
        self._max_body = max_body
        self._interim = 0
        self._status = 0
        self._headers = httpx.Headers()
        self._content = bytearray()

    def add(self, event: Event) -> Answer | None:
        match event:
            case h11.InformationalResponse():
                self._interim += 1
                if self._interim > MAX_INTERIM:
                    return unread("it begins with too many interim answers", "interim_answers")
            case h11.Response():
                self._status = event.status_code
                self._headers = httpx.Headers(list(event.headers.raw_items()))
                return self._refused_head()
            case h11.Data():
                self._content += event.data
                if len(self._content) > self._max_body:
                    return too_large(self._max_body)
            case h11.EndOfMessage():
                return httpx.Response(
                    self._status, headers=self._headers, content=bytes(self._content)
                )
            case _:  # the connection closed before there was an answer
                return unread("the connection closed before it", "no_answer")
        return None

    def _refused_head(self) -> UnexpectedAnswerError | None:
        if is_encoded(self._headers):
            return encoded()
        # RFC 9112 §6.3: without either, the body ends where the connection does;
        # with both, two readers end it in two places.
        framings = [name in self._headers for name in ("content-length", "transfer-encoding")]
        if sum(framings) != 1 and self._status not in (204, 304):
            return unread("nothing, or two things, tell where it ends", "unframed")
        if int(self._headers.get("content-length", "0")) > self._max_body:
            return too_large(self._max_body)
        return None


def _question(connection: h11.Connection, request: httpx.Request) -> bytes:
    headers = [
        (name, value)
        for name, value in request.headers.raw
        if name.lower() not in (b"accept-encoding", b"cache-control", b"connection")
    ]
    ours = [
        (b"Accept-Encoding", b"identity"),
        (b"Cache-Control", b"no-cache, no-store"),
        (b"Connection", b"close"),
    ]
    head = h11.Request(
        method=request.method, target=request.url.raw_path, headers=[*headers, *ours]
    )
    events = [head, h11.Data(data=request.read()), h11.EndOfMessage()]
    return b"".join(connection.send(event) or b"" for event in events)
