"""
One connection to an address that was judged, sync and async side by side.

Every wait knows the deadline: ``timeout=`` of sockets counts from the last
byte, and a server that drips one a second would keep a call for ever.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Iterator
from typing import Any

from careof._network.limits import Deadline
from careof._network.tls import certified_name

CHUNK = 65_536  # bytes


class Connection:
    """
    A TCP connection, perhaps with TLS, whose every wait ends at a deadline.
    """

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream

    @classmethod
    def open(cls, found: list[str], port: int, deadline: Deadline) -> Connection:
        """
        Connect to the first of the addresses *found* that takes a connection.
        """
        return cls(connect_any(found, port, deadline))

    def start_tls(self, context: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        """
        Shake hands, and verify that the other side is *host*.
        """
        with _until(deadline) as seconds:
            self._stream.settimeout(seconds)
            self._stream = context.wrap_socket(
                self._stream, server_hostname=certified_name(host), do_handshake_on_connect=False
            )
            self._stream.settimeout(seconds)
            self._stream.do_handshake()

    def send(self, data: bytes, deadline: Deadline) -> None:
        """
        Send all of *data*.
        """
        with _until(deadline) as seconds:
            self._stream.settimeout(seconds)
            self._stream.sendall(data)

    def receive(self, deadline: Deadline) -> bytes:
        """
        Some bytes, or none at the end.
        """
        with _until(deadline) as seconds:
            self._stream.settimeout(seconds)
            return self._stream.recv(CHUNK)

    def close(self) -> None:
        """
        Close at once, without a word to the other side.
        """
        self._stream.close()


class AsyncConnection:
    """
    The same over anyio, for asyncio and Trio.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    @classmethod
    async def open(cls, found: list[str], port: int, deadline: Deadline) -> AsyncConnection:
        """
        Connect to the first of the addresses *found* that takes a connection.
        """
        import anyio

        *others, last = found
        for tried, address in enumerate(others):
            share = deadline.share(len(found) - tried)
            with contextlib.suppress(OSError), anyio.fail_after(share.left()):
                return cls(await anyio.connect_tcp(address, port))
        with anyio.fail_after(deadline.left()):
            return cls(await anyio.connect_tcp(last, port))

    async def start_tls(self, context: ssl.SSLContext, host: str, deadline: Deadline) -> None:
        """
        Shake hands, and verify that the other side is *host*.
        """
        import anyio
        from anyio.streams.tls import TLSStream

        with anyio.fail_after(deadline.left()):
            # A truncated answer is seen by its framing, so the end of TLS may
            # come without its own goodbye, as it does from most servers.
            self._stream = await TLSStream.wrap(
                self._stream,
                hostname=certified_name(host),
                ssl_context=context,
                standard_compatible=False,
            )

    async def send(self, data: bytes, deadline: Deadline) -> None:
        """
        Send all of *data*.
        """
        import anyio

        with anyio.fail_after(deadline.left()):
            await self._stream.send(data)

    async def receive(self, deadline: Deadline) -> bytes:
        """
        Some bytes, or none at the end.
        """
        import anyio

        with anyio.fail_after(deadline.left()):
            try:
                received: bytes = await self._stream.receive(CHUNK)
            except anyio.EndOfStream:
                return b""
            return received

    async def close(self) -> None:
        """
        Close at once, without a word to the other side.
        """
        import anyio

        await anyio.aclose_forcefully(self._stream)


def connect_any(found: list[str], port: int, deadline: Deadline) -> socket.socket:
    """
    A connection to the first of the addresses *found* that takes one.

    Each has an equal share of the time that is left.

    Raises:
        OSError: None did; what happened at the last of them.
    """
    *others, last = found
    for tried, address in enumerate(others):
        share = deadline.share(len(found) - tried)
        with contextlib.suppress(OSError), _until(share) as seconds:
            return socket.create_connection((address, port), timeout=seconds)
    with _until(deadline) as seconds:
        return socket.create_connection((last, port), timeout=seconds)


@contextlib.contextmanager
def _until(deadline: Deadline) -> Iterator[float]:
    seconds = deadline.left()
    if seconds <= 0:
        # settimeout(0) would mean "do not block" and fail in another way.
        raise TimeoutError
    yield seconds
