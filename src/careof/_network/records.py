"""
TLS in memory: bytes of the wire in, bytes of the application out, and back.

Theory of operation: an ``ssl.SSLSocket`` reads on while the kernel has bytes and
none of them is the application's, so a server that sends session tickets for
ever keeps it, and the whole event loop, past every deadline.  In memory it gets
one piece at a time, and between two pieces somebody looks at the clock.  It also
knows here what a socket does not tell: whether the last record has come whole.
"""

from __future__ import annotations

import ssl

from careof._network.tls import certified_name

RECORD = 16_384  # bytes; RFC 8446 §5.1: no record has more of the application's
_HEADER = 5  # bytes in front of each record, the last two its length


class Records:
    """
    One end of a TLS connection.

    Its methods raise ``ssl.SSLError`` for what the other side does.
    """

    __slots__ = ("_head", "_incoming", "_missing", "_outgoing", "_tls")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=certified_name(host)
        )
        self._head = b""
        self._missing = 0

    def feed(self, data: bytes) -> None:
        """
        Take in what came; nothing means that the connection closed.
        """
        if data:
            self._incoming.write(data)
            self._count(data)
        else:
            self._incoming.write_eof()

    def to_send(self) -> bytes:
        """
        What has to go out now.
        """
        return self._outgoing.read()

    def has_shaken_hands(self) -> bool:
        """
        Whether the handshake is over, and the other side verified.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        return True

    def encrypt(self, data: bytes) -> None:
        """
        Make *data* a part of what has to go out.
        """
        self._tls.write(data)

    def decrypt(self) -> bytes | None:
        """
        Some bytes of the application, none at its end, or None if none has come.
        """
        try:
            return self._tls.read(RECORD)
        except ssl.SSLWantReadError:
            return None
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            # A cut answer is seen by its framing, so the end may come without
            # a goodbye, as it does from most servers.
            return b""

    def is_quiet(self) -> bool:
        """
        Whether nothing is left of what came, not even a part of a record.
        """
        try:
            is_read = self.decrypt() is None
        except ssl.SSLError:
            return False
        return is_read and not (self._incoming.pending or self._missing or self._head)

    def _count(self, data: bytes) -> None:
        # RFC 8446 §5.1 and RFC 5246 §6.2.1: headers are in clear text.
        at = 0
        while at < len(data):
            if self._missing:
                step = min(self._missing, len(data) - at)
                self._missing -= step
            else:
                step = min(_HEADER - len(self._head), len(data) - at)
                self._head += data[at : at + step]
                if len(self._head) == _HEADER:
                    self._missing = int.from_bytes(self._head[3:], "big")
                    self._head = b""
            at += step
