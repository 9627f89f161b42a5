"""
The bytes of one request.

Theory of operation: our own requests are of the plainest kind, and are written
here.  What a strategy of the host's may have made of them is not judged but
left to h11, which writes it or says what is wrong.  Nothing that could end a
line or begin another one is ever written by us: the head is checked as a whole.
"""

from __future__ import annotations

import re

import httpx

from careof._network.credentials import written_target
from careof._network.headers import NAME, VALUE

# RFC 9112 §3 and §5.  No value holds a line break, or there would be more lines
# than headers.
_HEAD = re.compile(
    rb"(?:GET|POST) [!-~]+ HTTP/1\.1\r\n"
    rb"(?:%b: %b\r\n)++\r\n" % (NAME.encode(), VALUE.encode())
)
_OURS = ((b"Accept-Encoding", b"identity"), (b"Cache-Control", b"no-cache, no-store"))
_CLOSING = ((b"Connection", b"close"),)
_REPLACED = (b"accept-encoding", b"cache-control", b"connection")


def question(request: httpx.Request, *, keep_alive: bool) -> bytes:
    """
    What to send for *request*.

    Args:
        keep_alive: Whether another question may follow on the connection.

    Raises:
        h11.LocalProtocolError: It cannot be sent.
        AuthenticationError: A credential of its query has no place there.
    """
    headers = [header for header in request.headers.raw if header[0].lower() not in _REPLACED]
    headers += _OURS if keep_alive else _OURS + _CLOSING
    body = request.read()
    method, target = request.method.encode(), written_target(request)
    lines = [b"%b: %b\r\n" % header for header in headers]
    head = b"%b %b HTTP/1.1\r\n%b\r\n" % (method, target, b"".join(lines))
    if (
        _HEAD.fullmatch(head)
        and head.count(b"\n") == len(headers) + 2
        and _is_framed(headers, body)
    ):
        return head + body
    return _by_h11(method, target, headers, body)


def _is_framed(headers: list[tuple[bytes, bytes]], body: bytes) -> bool:
    # One host, and a length that is right: RFC 9112 §3.2 and §6.
    hosts, lengths = 0, []
    for name, value in headers:
        known = name.lower()
        if known == b"host":
            hosts += 1
        elif known == b"content-length":
            lengths.append(value)
        elif known == b"transfer-encoding":
            return False
    return hosts == 1 and (lengths == [b"%d" % len(body)] or not (lengths or body))


def _by_h11(
    method: bytes, target: bytes, headers: list[tuple[bytes, bytes]], body: bytes
) -> bytes:
    import h11

    writer = h11.Connection(h11.CLIENT)
    head = h11.Request(method=method, target=target, headers=headers)
    events = [head, h11.Data(data=body), h11.EndOfMessage()]
    return b"".join(writer.send(event) or b"" for event in events)
