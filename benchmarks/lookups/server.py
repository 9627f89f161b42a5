"""
The server that is asked: every answer is ready before the question comes.

A process of its own, so that it costs the clients nothing.  Started as a program
it prints its two ports, and then, for each line that it reads, the CPU seconds
that it has used; it ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
from lookups.machine import SERVER_CORE, age_the_heap, pin, raise_file_limit

REFERENCES = [f"C-{number}" for number in range(1000, 2000)]
EMAIL = "ada.lovelace@customer.example"
QUESTION_END = b"\r\n\r\n"


def body(reference: str) -> bytes:
    """
    What the endpoint knows about *reference*.
    """
    person = {"id": reference, "email": EMAIL, "first_name": "Ada"}
    return json.dumps({"data": person}).encode()


def answer(content: bytes) -> bytes:
    """
    A whole answer, of which *content* is the body.
    """
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    return head.encode() + QUESTION_END + content


TOKEN = answer(b'{"access_token": "made-up", "token_type": "Bearer", "expires_in": 3600}')
ANSWERS = {f"/people/{reference}".encode(): answer(body(reference)) for reference in REFERENCES}


class Endpoint(asyncio.Protocol):
    """
    One connection: ``GET /people/C-1234`` and ``POST /token``, kept open.
    """

    def __init__(self) -> None:
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """
        Keep what to answer with.
        """
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """
        Answer what is complete; nobody asks twice at once.
        """
        if self._unread:
            data = self._unread + data
        if data.startswith(b"GET ") and data.endswith(QUESTION_END):
            self._unread = b""
            self._transport.write(ANSWERS[data[4 : data.index(b" ", 4)]])
        elif data.startswith(b"POST ") and b"grant_type=" in data:
            self._unread = b""
            self._transport.write(TOKEN)
        else:
            self._unread = data


async def serve(certificate: str) -> None:
    """
    Serve until the input ends, http and https.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    loop = asyncio.get_running_loop()
    clear = await loop.create_server(Endpoint, "127.0.0.1", 0, backlog=2048)
    secure = await loop.create_server(Endpoint, "127.0.0.1", 0, backlog=2048, ssl=context)
    ended = asyncio.Event()

    def tell() -> None:
        for _ in sys.stdin:
            print(time.process_time(), flush=True)
        loop.call_soon_threadsafe(ended.set)

    print(*(server.sockets[0].getsockname()[1] for server in (clear, secure)), flush=True)
    threading.Thread(target=tell, daemon=True).start()
    await ended.wait()


@attrs.frozen(kw_only=True)
class Served:
    """
    A server that runs, and how to reach it.
    """

    process: subprocess.Popen[str]
    http: str
    https: str
    context: ssl.SSLContext

    def cpu(self) -> float:
        """
        CPU seconds that it has used so far.
        """
        assert self.process.stdin is not None  # noqa: S101  # both are pipes
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write("cpu\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Served]:
    """
    The server in a process of its own, with a certificate that is kept in *folder*.
    """
    import trustme

    authority = trustme.CA()
    file = folder / "server.pem"
    file.write_bytes(authority.issue_cert("localhost").private_key_and_cert_chain_pem.bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    authority.configure_trust(context)
    process = subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "lookups.server", str(file)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            clear, secure = process.stdout.readline().split()  # type: ignore[union-attr]
            yield Served(
                process=process,
                http=f"http://localhost:{clear}",
                https=f"https://localhost:{secure}",
                context=context,
            )
        finally:
            process.kill()


if __name__ == "__main__":
    pin(SERVER_CORE)
    raise_file_limit()
    age_the_heap()
    asyncio.run(serve(sys.argv[1]))
