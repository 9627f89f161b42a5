"""
All that is not the host's: the customers' endpoints, a token endpoint, a mail server.

A program of its own, on loopback.  It writes its two ports into the folder that it is
given, and then what reaches it, one line each.
"""

from __future__ import annotations

import asyncio
import json
import pathlib
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FOLDER = pathlib.Path(sys.argv[1])
ANSWER_TIME = float(sys.argv[2])  # seconds
FAILURES = 3  # as many as a resolver tries: a lookup fails, and the next one does not

fails: dict[str, int] = {}
lock = threading.Lock()


def write(name, line):
    """
    One line, which nobody else's can get into.
    """
    with lock, FOLDER.joinpath(name).open("a") as file:
        file.write(f"{line}\n")


class Endpoint(BaseHTTPRequestHandler):
    """
    ``/TENANT/people/ID`` and ``/TENANT/oauth/token``.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        _, tenant, _, reference_id = self.path.split("/")
        time.sleep(ANSWER_TIME)
        write("lookups", f"{time.monotonic()} {tenant} {reference_id}")
        if self.headers["Authorization"] != "Bearer canary-token":
            return self.answer(401, {})
        with lock:
            fails.setdefault(reference_id, FAILURES if "flaky" in reference_id else 0)
            is_down = fails[reference_id] > 0 or "dead" in reference_id
            fails[reference_id] -= 1
        if is_down:
            return self.answer(503, {"error": "canary-of-the-answer"})
        return self.answer(
            200,
            {
                "id": reference_id,
                "email": f"{reference_id}@canary.example",
                "name": "Canary Surname",
                "phone": "+442079460123",
            },
        )

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        write("tokens", self.path)
        self.answer(
            200, {"access_token": "canary-token", "token_type": "Bearer", "expires_in": 3600}
        )

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


class Mail(asyncio.Protocol):
    """
    One connection of the mail server: what it accepts is written down, then accepted.
    """

    def connection_made(self, transport):
        self.transport = transport
        self.unread = b""
        self.recipient = ""
        self.is_data = False
        transport.write(b"220 sink.example ESMTP\r\n")

    def data_received(self, data):
        self.unread += data
        while (end := b"\r\n.\r\n" if self.is_data else b"\r\n") in self.unread:
            said, _, self.unread = self.unread.partition(end)
            self.transport.write(self.reply(said))

    def reply(self, said):
        if self.is_data:
            self.is_data = False
            write("mails", self.recipient)
            return b"250 2.0.0 accepted\r\n"
        verb = said[:4].upper()
        if verb == b"EHLO":
            return b"250-sink.example\r\n250 8BITMIME\r\n"
        if verb == b"RCPT":
            self.recipient = said.partition(b"<")[2].partition(b">")[0].decode()
        self.is_data = verb == b"DATA"
        return b"354 go on\r\n" if self.is_data else b"250 2.0.0 ok\r\n"


async def main():
    endpoint = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    endpoint.daemon_threads = True
    threading.Thread(target=endpoint.serve_forever, daemon=True).start()
    loop = asyncio.get_running_loop()
    mail = await loop.create_server(Mail, "127.0.0.1", 0)
    draft = FOLDER / "draft"
    draft.write_text(json.dumps([endpoint.server_port, mail.sockets[0].getsockname()[1]]))
    draft.rename(FOLDER / "ports")
    await mail.serve_forever()


asyncio.run(main())
