"""
An answer that comes in pieces, or is of no plain kind: read by h11.

Theory of operation: h11 parses; this file decides what counts as one complete,
well-formed, small answer.  One that only the closing of the connection ends
could have been cut anywhere, and is refused.  Each answer has a parser of its
own: no byte of one can be taken for the beginning of the next.
"""

from __future__ import annotations

import h11
import httpx

from careof._network.at_once import MAX_HEAD
from careof._network.unread import Answer, encoded, is_encoded, too_large, unread
from careof._network.whole import WholeResponse
from careof.errors import CareofError

MAX_INTERIM = 8  # 1xx answers before the real one

# The parser must know that something was asked, and not what.
_ASKED = (h11.Request(method="GET", target="/", headers=[("Host", "any")]), h11.EndOfMessage())

Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class Parsing:
    """
    One answer on its way through h11.
    """

    __slots__ = ("_answer", "_parser")

    def __init__(self, request: httpx.Request, max_body: int) -> None:
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
        for event in _ASKED:
            self._parser.send(event)
        self._answer = _Growing(request, max_body)

    def feed(self, data: bytes) -> Answer | None:
        """
        The answer, if *data* completes it or shows that it will not be read.

        Raises:
            h11.ProtocolError: It is no HTTP/1.1, or ended too early.
        """
        parser = self._parser
        parser.receive_data(data)
        while (event := parser.next_event()) is not h11.NEED_DATA:
            complete = self._answer.add(event)
            if isinstance(complete, httpx.Response) and parser.trailing_data[0]:
                # Two answers to one question: nobody knows which is the right one.
                return unread("more follows it than was asked for", "trailing_data")
            if complete is not None:
                return complete
        return None

    @property
    def leaves_quiet(self) -> bool:
        """
        Whether the answer is complete, nothing follows, and the other side goes on.
        """
        parser = self._parser
        return parser.their_state is h11.DONE and parser.trailing_data == (b"", False)


class _Growing:
    """
    An answer that grows event by event, until it is complete or refused.
    """

    __slots__ = ("_content", "_headers", "_interim", "_max_body", "_request", "_status")

    def __init__(self, request: httpx.Request, max_body: int) -> None:
        self._request = request
        self._max_body = max_body
        self._interim = 0
        self._status = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._content = bytearray()

    def add(self, event: Event) -> Answer | None:
        match event:
            case h11.InformationalResponse():
                self._interim += 1
                if self._interim > MAX_INTERIM:
                    return unread("it begins with too many interim answers", "interim_answers")
            case h11.Response():
                self._status = event.status_code
                self._headers = event.headers.raw_items()
                return self._refused_head(event)
            case h11.Data():
                self._content += event.data
                if len(self._content) > self._max_body:
                    return too_large(self._max_body)
            case h11.EndOfMessage():
                return WholeResponse(
                    self._status, self._headers, bytes(self._content), self._request
                )
            case _:  # the connection closed before there was an answer
                return unread("the connection closed before it", "no_answer")
        return None

    def _refused_head(self, head: h11.Response) -> CareofError | None:
        # h11 counts only what is incomplete, and takes any two digits for a version.
        size = sum(len(name) + len(value) + 4 for name, value in head.headers)
        if size > MAX_HEAD or not head.http_version.startswith(b"1."):
            raise h11.RemoteProtocolError("a head of another kind")
        length, framings = b"0", 0
        for name, value in head.headers:  # h11 has made the names lower case
            if name == b"content-encoding" and is_encoded(value.decode("latin-1")):
                return encoded()
            if name == b"content-length":
                length = value
            framings += name in (b"content-length", b"transfer-encoding")
            # RFC 9112 §6.1: HTTP/1.0 has no transfer coding, so this is no framing.
            framings -= name == b"transfer-encoding" and head.http_version == b"1.0"
        # RFC 9112 §6.3: without either, the body ends where the connection does;
        # with both, two readers end it in two places.
        if framings != 1 and self._status not in (204, 304):
            return unread("nothing, or two things, tell where it ends", "unframed")
        if int(length) > self._max_body:
            return too_large(self._max_body)
        return None
