"""
A mail server that throws away what it accepts, in a process of its own.

It does as little as possible, so that the clients are what is measured.  Started
as a program it prints its port, and then, for each line that it reads, how many
messages it has accepted; it ends with its input.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import attrs
from lookups.machine import SERVER_CORE, pin, raise_file_limit

END = b"\r\n.\r\n"
REPLIES = {
    b"NOOP": b"250 2.0.0 ok\r\n",
    b"RSET": b"250 2.0.0 ok\r\n",
    b"MAIL": b"250 2.1.0 ok\r\n",
    b"RCPT": b"250 2.1.5 ok\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 2.0.0 bye\r\n",
}
ACCEPTED = b"250 2.0.0 accepted\r\n"
OFFERED = ("sink.example", "8BITMIME", "SIZE 10485760")


class Sink(asyncio.Protocol):
    """
    One connection.

    Attributes:
        accepted: Messages over all connections.
        delay: Seconds before each reply, or each group of them.
        extensions: What EHLO offers.
    """

    accepted = 0
    delay = 0.0
    extensions: tuple[str, ...] = OFFERED

    def __init__(self) -> None:
        self._unread = b""
        self._in_message = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Greet.
        """
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]
        self._reply(b"220 sink.example ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        """
        Reply to all that is complete, in one piece.
        """
        data = self._unread + data
        replies = []
        while True:
            end = END if self._in_message else b"\r\n"
            said, found, rest = data.partition(end)
            if not found:
                break
            data = rest
            replies.append(self._accept() if self._in_message else self._obey(said))
        self._unread = data
        if replies:
            self._reply(b"".join(replies))

    def _accept(self) -> bytes:
        Sink.accepted += 1
        self._in_message = False
        return ACCEPTED

    def _obey(self, line: bytes) -> bytes:
        verb = line[:4].upper()
        if verb == b"EHLO":
            lines = [f"250-{word}\r\n" for word in self.extensions]
            lines[-1] = lines[-1].replace("-", " ", 1)
            return "".join(lines).encode()
        self._in_message = verb == b"DATA"
        return REPLIES[verb]

    def _reply(self, replies: bytes) -> None:
        if self.delay:
            asyncio.get_running_loop().call_later(self.delay, self._transport.write, replies)
        else:
            self._transport.write(replies)


async def serve(certificate: str) -> None:
    """
    Listen until the input ends.
    """
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0, ssl=tls, backlog=128)
    print(server.sockets[0].getsockname()[1], flush=True)
    over = asyncio.Event()

    def listen() -> None:
        for _ in sys.stdin:
            print(Sink.accepted, flush=True)
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=listen, daemon=True).start()
    await over.wait()
    server.close()


@attrs.frozen
class Running:
    """
    A sink that runs, as its clients see it.
    """

    port: int
    process: subprocess.Popen[str]

    def accepted(self) -> int:
        """
        How many messages it has accepted.
        """
        assert self.process.stdin is not None  # noqa: S101  # both are pipes
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextlib.contextmanager
def running(
    *, pipelining: bool = True, delay: float = 0.0, certificate: Path | None = None
) -> Iterator[Running]:
    """
    A sink while the block lasts.

    Args:
        pipelining: Whether it offers PIPELINING.
        delay: Seconds before each reply, or each group of them.
        certificate: A PEM file with key and certificate: TLS from the first byte.
    """
    arguments = ["--delay", str(delay), "--certificate", str(certificate or "")]
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "mails.sink", *arguments, *["--pipelining"] * pipelining],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Running(int(process.stdout.readline()), process)  # type: ignore[union-attr]
        finally:
            process.kill()


def main() -> None:
    """
    Be a sink.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--pipelining", action="store_true")
    parser.add_argument("--delay", type=float)
    parser.add_argument("--certificate")
    options = parser.parse_args()
    pin(SERVER_CORE)
    raise_file_limit()
    Sink.delay = options.delay
    if options.pipelining:
        Sink.extensions = (*OFFERED, "PIPELINING")
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(options.certificate))
    else:
        uvloop.run(serve(options.certificate))


if __name__ == "__main__":
    main()
