"""
An HTTPS server and an SMTP server on loopback, each open inside a ``with`` block.
"""

from __future__ import annotations

import asyncio
import contextlib
import socketserver
import ssl
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from http.server import BaseHTTPRequestHandler
from typing import Any

from aiosmtpd.smtp import SMTP

Answer = Callable[[str, str], tuple[int, bytes]]


class Door(BaseHTTPRequestHandler):
    """
    Hands each POST to the function for its path: (authorization, body) to (status, JSON).
    """

    protocol_version = "HTTP/1.1"
    timeout = 5
    paths: Mapping[str, Answer]

    def do_POST(self) -> None:
        """
        Answer one question.
        """
        body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
        authorization = self.headers.get("Authorization", "")
        status, answer = self.paths[self.path](authorization, body)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """
        Nothing: the terminal belongs to the demo.
        """


class _Doors(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """
        Say nothing of a client that hung up, as the configuration test does once.
        """
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


@contextlib.contextmanager
def https_server(paths: Mapping[str, Answer], context: ssl.SSLContext) -> Iterator[int]:
    """
    An HTTPS server, open inside the block; its port.
    """
    door = type("OpenDoor", (Door,), {"paths": paths})
    with _Doors(("127.0.0.1", 0), door) as server:
        server.socket = context.wrap_socket(
            server.socket, server_side=True, do_handshake_on_connect=False
        )
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


@contextlib.contextmanager
def smtp_server(hooks: object, context: ssl.SSLContext) -> Iterator[int]:
    """
    A mail server, open inside the block; its port.
    """
    # Not aiosmtpd's Controller, which cannot take whichever port is free.
    opened: Future[tuple[int, Callable[[], object]]] = Future()

    async def serve() -> None:
        loop, enough = asyncio.get_running_loop(), asyncio.Event()
        sessions: list[SMTP] = []

        def session() -> SMTP:
            sessions.append(
                SMTP(
                    hooks,
                    hostname="mail.host.example",
                    tls_context=context,
                    require_starttls=True,
                    loop=loop,
                )
            )
            return sessions[-1]

        async with await loop.create_server(session, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            opened.set_result((port, lambda: loop.call_soon_threadsafe(enough.set)))
            await enough.wait()
            # A sender keeps its connections for the next message.
            for each in sessions:
                if each.transport is not None:
                    each.transport.abort()
            await asyncio.sleep(0)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    port, end = opened.result(10)
    try:
        yield port
    finally:
        end()
        thread.join()
