"""
A token endpoint, and a contact endpoint that wants its tokens, in a process of their own.

Started as a program it prints its port.  Then each line that it reads says, in
JSON, how it behaves from now on; it prints how many token requests it has had,
and ends with its input.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
from lookups.machine import SERVER_CORE, pin, raise_file_limit
from lookups.server import ANSWERS, QUESTION_END, answer

DELAY = 0.05  # seconds until the token endpoint answers: those who come together meet
UNAUTHORIZED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n"
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


@attrs.define
class Issuer:
    """
    What the token endpoint says.

    Attributes:
        lifetime: Seconds that the next tokens live, as their answers say.
        is_down: Whether it issues none.
        requests: How often it was asked.
        accepted: The headers with the tokens that are good.
    """

    lifetime: float = 3600
    is_down: bool = False
    requests: int = 0
    accepted: set[bytes] = attrs.field(factory=set)

    def behave(self, *, lifetime: float, is_down: bool, revokes: bool) -> int:
        """
        Go on like this; how many requests there were until now.
        """
        self.lifetime, self.is_down = lifetime, is_down
        if revokes:
            self.accepted.clear()
        return self.requests

    def answer(self) -> bytes:
        """
        The answer to one more request.
        """
        self.requests += 1
        if self.is_down:
            return UNAVAILABLE
        token = f"made-up-{self.requests}"
        self.accepted.add(f"Bearer {token}".encode())
        body = {"access_token": token, "token_type": "Bearer", "expires_in": self.lifetime}
        return answer(json.dumps(body).encode())


class Endpoint(asyncio.Protocol):
    """
    One connection: ``GET /people/C-1234`` with a token, and ``POST /token``, kept open.
    """

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
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
        self._unread += data
        head, end, body = self._unread.partition(QUESTION_END)
        if not end:
            return
        question, *lines = head.split(b"\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines)
        }
        if len(body) < int(headers.get(b"content-length", b"0")):
            return
        self._unread = b""
        if question.startswith(b"POST "):
            content = self._issuer.answer()
            asyncio.get_running_loop().call_later(DELAY, self._transport.write, content)
        elif headers.get(b"authorization") in self._issuer.accepted:
            self._transport.write(ANSWERS[question.split(b" ")[1]])
        else:
            self._transport.write(UNAUTHORIZED)


async def serve() -> None:
    """
    Serve until the input ends.
    """
    loop = asyncio.get_running_loop()
    issuer = Issuer()
    server = await loop.create_server(lambda: Endpoint(issuer), "127.0.0.1", 0, backlog=2048)
    ended = asyncio.Event()

    def obey() -> None:
        # Between two bursts, so nobody asks meanwhile.
        for line in sys.stdin:
            print(issuer.behave(**json.loads(line)), flush=True)
        loop.call_soon_threadsafe(ended.set)

    print(server.sockets[0].getsockname()[1], flush=True)
    threading.Thread(target=obey, daemon=True).start()
    await ended.wait()


@attrs.frozen(kw_only=True)
class Served:
    """
    The two endpoints, and how to reach them.
    """

    process: subprocess.Popen[str]
    url: str

    def behaves(
        self, *, lifetime: float = 3600, is_down: bool = False, revokes: bool = False
    ) -> int:
        """
        Make it behave like this from now on; how many token requests it has had until now.
        """
        order: dict[str, Any] = {"lifetime": lifetime, "is_down": is_down, "revokes": revokes}
        assert self.process.stdin is not None  # noqa: S101  # both are pipes
        assert self.process.stdout is not None  # noqa: S101
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())


@contextlib.contextmanager
def running() -> Iterator[Served]:
    """
    The server in a process of its own.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", "auths.server"],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            port = process.stdout.readline().strip()  # type: ignore[union-attr]
            yield Served(process=process, url=f"http://localhost:{port}")
        finally:
            process.kill()


if __name__ == "__main__":
    pin(SERVER_CORE)
    raise_file_limit()
    asyncio.run(serve())
