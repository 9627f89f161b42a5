"""
The answer that comes in one piece, as nearly all do, read without a parser.

Theory of operation: a small answer is one packet.  If what came first is, to
the byte, one HTTP/1.1 answer of the plainest kind, nothing is left for a parser
to find out, and it takes a fifth of the time.  Whatever is not of that kind, be
it legal, doubtful or wrong, is not judged here but left to h11.
"""

from __future__ import annotations

import re

import httpx

from careof._network.headers import NAME, VALUE
from careof._network.whole import WholeResponse

MAX_HEAD = 32 * 1024  # bytes of a status line and headers

# RFC 9112 §4 and §5, without what is obsolete, folded, or not ASCII.
_HEAD = re.compile(
    rb"HTTP/1\.1 ([2-5][0-9][0-9]) [ -~]*\r\n"
    rb"((?:%b: ?(?:%b)?\r\n)++)\r\n" % (NAME.encode(), VALUE.encode())
)
# They say how the body is sent, or what becomes of the connection.
_TELLING = frozenset((b"connection", b"content-encoding", b"transfer-encoding"))
_NO_BODY = (b"204", b"205", b"304")


def at_once(data: bytes, request: httpx.Request, max_body: int) -> httpx.Response | None:
    """
    The answer that *data* is, whole and plain, after which the connection goes on.
    """
    head = _HEAD.match(data)
    if head is None or head.end() > MAX_HEAD or head[1] in _NO_BODY:
        return None
    headers = []
    lengths = []
    for line in head[2].split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        value = value.lstrip(b" ")
        known = name.lower()
        if known == b"content-length":
            lengths.append(value)
        elif known in _TELLING and (known, value.lower()) != (b"connection", b"keep-alive"):
            return None
        headers.append((name, value))
    length = len(data) - head.end()
    if lengths != [b"%d" % length] or length > max_body:
        return None
    body = data[head.end() :]
    return WholeResponse(int(head[1]), headers, body, request, headers_are_ascii=True)
