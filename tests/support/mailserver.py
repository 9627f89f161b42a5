"""
SMTP servers on loopback: a real one, and one that misbehaves by name.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import socket
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.support.server import certificate

PATIENCE = 10.0  # seconds, after which a server gives up a test that forgot it


def closed(shell, sender):
    """
    Close *sender*, which keeps its connections.
    """
    shell.call(sender.close if shell.name == "sync" else sender.aclose)


class MailServer(Controller):
    """
    aiosmtpd on a free port, with STARTTLS or TLS; keeps envelopes in ``received``.
    """

    def __init__(self, *, starttls=False, tls=False, credentials=None, names=None, **options):
        self.received = []
        context = certificate(*(names or ("localhost", "127.0.0.1")))
        self.hellos = []
        self._protocols = []
        if starttls:
            options |= {"tls_context": context, "require_starttls": True}
        if tls:
            options |= {"ssl_context": context}
        if credentials is not None:
            options |= {
                "auth_required": True,
                "auth_require_tls": starttls,  # it does not know that it is inside TLS
                "authenticator": lambda *found: AuthResult(
                    success=(found[4].login, found[4].password) == credentials,
                    handled=False,
                ),
            }
        super().__init__(self, hostname="127.0.0.1", port=0, **options)

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()

    async def handle_EHLO(self, server, session, envelope, hostname, responses):  # noqa: N802
        session.host_name = hostname
        self.hellos.append(hostname)
        return responses

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        self.received.append(envelope)
        return "250 2.0.0 accepted"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._hang_up(), self.loop).result(PATIENCE)
        self.stop()

    def factory(self):
        self._protocols.append(super().factory())
        return self._protocols[-1]

    async def _hang_up(self):
        """
        Close what senders keep open for their next message.
        """
        for protocol in self._protocols:
            if protocol.transport is not None:
                protocol.transport.abort()
        tasks = [protocol._handler_coroutine for protocol in self._protocols]
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
        await asyncio.sleep(0)


class ScriptedServer:
    """
    A raw SMTP server in a thread, which misbehaves at one point by name.

    Args:
        behaviours: Points (``greeting``, ``ehlo``, ``starttls``, ``auth``, ``mail``,
            ``rcpt``, ``data``, ``message`` (after the dot) and ``quit``) to what
            happens there: ``4xx``, ``5xx``, ``3xx``, ``421``, ``disconnect``,
            ``silence``, ``drip``, ``endless``, ``long``, ``unparsable``, ``cut``,
            ``two codes``, ``inject``, ``silence in the handshake``,
            ``disconnect in the handshake``, ``challenges``, ``deaf`` or ``late``.
        tls: ``"starttls"``, ``"tls"`` or None.

    Attributes:
        commands: What was said, as ``(line, in TLS)``.
        messages: The messages whose final dot arrived, as sent.
        accepted: How many of them may have been accepted.
        reached: Set at the point with a behaviour.
        parted: Set when a connection is at its end, whoever ended it.
    """

    def __init__(self, behaviours=(), *, tls=None, offers=("AUTH PLAIN LOGIN", "8BITMIME")):
        self.commands = []
        self.messages = []
        self.accepted = 0
        self.reached = threading.Event()
        self.parted = threading.Event()
        self._behaviours = dict(behaviours)
        self._tls = tls
        self._offers = offers
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="scripted-smtp", daemon=True)

    @property
    def verbs(self):
        return [line.split(b" ")[0].upper().decode("latin-1") for line, _ in self.commands]

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)

        assert not self._thread.is_alive()

    def _serve(self):
        while not self._stopping.is_set():
            try:
                stream, _ = self._listener.accept()
            except OSError:
                return
            stream.settimeout(0.2)
            conversation = _Conversation(self, stream)
            with contextlib.suppress(OSError, _PartedError):
                conversation.run()
            conversation.stream.close()
            self.parted.set()


class _PartedError(Exception):
    """
    One of the two has gone.
    """


class _Conversation:
    def __init__(self, server, stream):
        self.stream = stream
        self._server = server
        self._secure = False
        self._buffer = b""
        self._ends = time.monotonic() + PATIENCE

    def run(self):
        if self._server._tls == "tls":
            self._handshake()
        self._reply("greeting", "220 mail.example ESMTP")
        while True:
            line = self._line()
            self._server.commands.append((line, self._secure))
            self._answer(line)

    def _answer(self, line):
        match line.split(b" ")[0].upper():
            case b"EHLO":
                self._reply("ehlo", *self._extensions(), said=line)
            case b"STARTTLS":
                self._reply("starttls", "220 2.0.0 go on", said=line)
                self._handshake()
            case b"AUTH":
                self._reply("auth", "235 2.7.0 welcome", said=line)
            case b"MAIL":
                self._reply("mail", "250 2.1.0 ok", said=line)
            case b"RCPT":
                self._reply("rcpt", "250 2.1.5 ok", said=line)
            case b"DATA":
                self._reply("data", "354 go on", said=line)
                self._message()
            case b"QUIT":
                self._reply("quit", "221 2.0.0 bye", said=line)
                raise _PartedError
            case _:
                self._send(b"502 5.5.1 unknown\r\n")

    def _message(self):
        while b"\r\n.\r\n" not in self._buffer:
            self._receive()
        message, _, self._buffer = self._buffer.partition(b"\r\n.\r\n")
        self._server.messages.append(message + b"\r\n")
        # Only a clear no means that the message was not accepted.
        self._server.accepted += self._server._behaviours.get("message") not in (
            "4xx",
            "421",
            "5xx",
        )
        self._reply("message", "250 2.0.0 accepted", said=message)

    def _extensions(self):
        server = self._server
        offers = list(server._offers)
        if server._tls == "starttls" and not self._secure:
            offers.append("STARTTLS")
        lines = ["mail.example", *offers]
        return [*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]

    def _reply(self, point, *lines, said=b""):
        behaviour = self._server._behaviours.get(point)
        if behaviour is None:
            self._send("".join(f"{line}\r\n" for line in lines).encode())
            return
        self._server.reached.set()
        getattr(self, f"_{behaviour.replace(' ', '_')}")(said)

    def _refuse(self, code, said):
        # Servers repeat what they were told; here, credentials too, in clear.
        repeated = b" ".join(said.split())
        with contextlib.suppress(ValueError):
            repeated += b" " + base64.b64decode(said.split(b" ")[-1]).replace(b"\0", b" ")
        self._send(code + b" no: " + repeated + b"\r\n")

    def _4xx(self, said):
        self._refuse(b"451 4.3.2", said)

    def _5xx(self, said):
        self._refuse(b"550 5.1.1", said)

    def _forwards(self, said):
        self._send(b"251 2.1.5 will forward\r\n")

    def _503(self, said):
        self._refuse(b"503 5.5.1", said)

    def _530(self, said):
        self._refuse(b"530 5.7.0", said)

    def _552(self, said):
        self._refuse(b"552 5.2.2", said)

    def _3xx(self, said):
        self._send(b"354 go on\r\n")

    def _challenges(self, said):
        while True:
            self._send(b"334 \r\n")
            self._line()

    def _deaf(self, said):
        self._send(b"354 go on\r\n")
        self._server._stopping.wait(PATIENCE)
        raise _PartedError

    def _late(self, said):
        self._server._stopping.wait(0.8)
        self._send(b"250 2.0.0 accepted\r\n")

    def _421(self, said):
        self._send(b"421 4.3.2 going down\r\n")
        raise _PartedError

    def _disconnect(self, said):
        raise _PartedError

    def _silence(self, said):
        while True:
            self._receive()

    def _drip(self, said):
        self._send(b"250-")
        while True:
            self._send(b".")
            with contextlib.suppress(TimeoutError):
                self._receive(0.02)

    def _endless(self, said):
        while True:
            self._send(b"250-and then\r\n" * 20)
            with contextlib.suppress(TimeoutError):
                self._receive(0.001)

    def _long(self, said):
        self._send(b"250 " + b"x" * 20_000 + b"\r\n")
        self._silence(said)

    def _unparsable(self, said):
        self._send(b"Ok, whatever\r\n")
        self._silence(said)

    def _two_codes(self, said):
        self._send(b"250-fine\r\n550 or not\r\n")
        self._silence(said)

    def _cut(self, said):
        self._send(b"250 2.0.0 acc")
        raise _PartedError

    def _inject(self, said):
        self._send(b"220 go on\r\n250-mail.example\r\n250 AUTH PLAIN\r\n")

    def _silence_in_the_handshake(self, said):
        self._send(b"220 go on\r\n")
        self._silence(said)

    def _disconnect_in_the_handshake(self, said):
        self._send(b"220 go on\r\n")
        raise _PartedError

    def _handshake(self):
        self.stream.settimeout(PATIENCE)
        self.stream = certificate("localhost", "127.0.0.1").wrap_socket(
            self.stream, server_side=True
        )
        self.stream.settimeout(0.2)
        self._secure = True
        self._buffer = b""

    def _line(self):
        while b"\r\n" not in self._buffer:
            self._receive()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def _receive(self, seconds=None):
        while True:
            if self._server._stopping.is_set() or time.monotonic() > self._ends:
                raise _PartedError
            self.stream.settimeout(seconds or 0.2)
            try:
                received = self.stream.recv(65_536)
            except TimeoutError:
                if seconds is not None:
                    raise
                continue
            if not received:
                raise _PartedError
            self._buffer += received
            return

    def _send(self, data):
        self.stream.settimeout(PATIENCE)
        self.stream.sendall(data)
