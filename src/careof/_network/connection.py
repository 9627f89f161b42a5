"""
One connection to an address that was judged: a socket that never blocks.

Each method is a generator of waits, and every wait knows the deadline:
``timeout=`` of sockets counts from the last byte, and a server that drips one
a second would keep a call for ever.
"""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import ssl

from careof._network.limits import Deadline
from careof._network.records import Records
from careof._network.waits import Ready, Steps, drive

CHUNK = 16_384  # bytes
MOST_SILENT = 65_536  # bytes of TLS in which there is nothing of the application's
MOST_ADDRESSES = 8  # of one name that are tried

_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK)


class Connection:
    """
    A TCP connection, perhaps with TLS.

    Its steps raise ``TimeoutError`` at the deadline, and ``OSError`` for what
    the other side does; ``ssl.SSLError`` is one of them.

    Attributes:
        opened: When, in seconds of the monotonic clock.
    """

    __slots__ = ("_stream", "_tls", "opened")

    def __init__(self, stream: socket.socket, opened: float) -> None:
        self._stream = stream
        self._tls: Records | None = None
        self.opened = opened

    @classmethod
    def open(cls, found: list[str], port: int, deadline: Deadline) -> Steps[Connection]:
        """
        Connect to the first of the addresses *found* that takes a connection.
        """
        return cls((yield from _dial_any(found, port, deadline)), deadline.now())

    def start_tls(self, context: ssl.SSLContext, host: str, deadline: Deadline) -> Steps[None]:
        """
        Shake hands, and verify that the other side is *host*.
        """
        tls = self._tls = Records(context, host)
        try:
            while not tls.has_shaken_hands():
                yield from self._send(tls.to_send(), deadline)
                tls.feed((yield from self._receive(deadline)))
        except ssl.SSLError:
            # Why we part, if it can be said at once (RFC 8446 §6.2).
            with contextlib.suppress(OSError):
                self._stream.send(tls.to_send())
            raise
        yield from self._send(tls.to_send(), deadline)

    def send(self, data: bytes, deadline: Deadline) -> Steps[None]:
        """
        Send all of *data*.
        """
        if self._tls is not None:
            self._tls.encrypt(data)
            data = self._tls.to_send()
        yield from self._send(data, deadline)

    def receive(self, deadline: Deadline) -> Steps[bytes]:
        """
        Some bytes, or none at the end.
        """
        tls = self._tls
        if tls is None:
            return (yield from self._receive(deadline))
        silent = 0
        while (data := tls.decrypt()) is None:
            # Some records want an answer, as a change of keys does.
            yield from self._send(tls.to_send(), deadline)
            received = yield from self._receive(deadline)
            silent += len(received)
            if silent > MOST_SILENT:
                raise ConnectionError
            tls.feed(received)
        return data

    def is_quiet(self) -> bool:
        """
        Whether nothing is left of what came, and nothing has come since.

        But TLS may have had something of its own to say: the session tickets of
        a server come behind its handshake.
        """
        tls = self._tls
        try:
            since = self._stream.recv(CHUNK)
        except BlockingIOError:
            return tls is None or tls.is_quiet()
        except OSError:
            return False
        if tls is None or len(since) == CHUNK:  # and perhaps there is more
            return False
        tls.feed(since)
        return tls.is_quiet()

    def close(self) -> None:
        """
        Close at once, without a word to the other side.
        """
        self._stream.close()

    def _send(self, data: bytes, deadline: Deadline) -> Steps[None]:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._stream.send(rest) :]
            except BlockingIOError:
                yield from self._ready(deadline, to_write=True)

    def _receive(self, deadline: Deadline) -> Steps[bytes]:
        while True:
            # An answer takes its time: to wait first saves a try.
            yield from self._ready(deadline, to_write=False)
            try:
                return self._stream.recv(CHUNK)
            except BlockingIOError:  # others may wake a socket, too
                continue

    def _ready(self, deadline: Deadline, *, to_write: bool) -> Steps[None]:
        if not (yield Ready(self._stream, deadline, to_write=to_write)):
            raise TimeoutError


def connect_any(found: list[str], port: int, deadline: Deadline) -> socket.socket:
    """
    A blocking socket, connected to the first of *found* that takes a connection.

    Each has an equal share of the time that is left.

    Raises:
        OSError: None did; what happened at the last of them.
    """
    stream = drive(_dial_any(found, port, deadline))
    stream.settimeout(None)
    return stream


def _dial_any(found: list[str], port: int, deadline: Deadline) -> Steps[socket.socket]:
    *others, last = found[:MOST_ADDRESSES]
    for tried, address in enumerate(others):
        share = deadline.share(len(others) + 1 - tried)
        with contextlib.suppress(OSError):
            return (yield from _dial(address, port, share))
    return (yield from _dial(last, port, deadline))


def _dial(address: str, port: int, deadline: Deadline) -> Steps[socket.socket]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    stream = socket.socket(family, socket.SOCK_STREAM)
    stands = False
    try:
        stream.settimeout(0)
        # A question is one small write: nothing is won by waiting for more.
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = stream.connect_ex((address, port))
        if code in _UNDER_WAY:
            if not (yield Ready(stream, deadline, to_write=True)):
                raise TimeoutError
            code = stream.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code != 0:
            raise ConnectionError
        # Before the first byte: the one who answers is the one who was judged.
        peer = stream.getpeername()[0]
        if ipaddress.ip_address(peer) != ipaddress.ip_address(address):
            raise ConnectionError
        stands = True
        return stream
    finally:
        if not stands:
            stream.close()
