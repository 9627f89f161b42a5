"""
Commands and replies: smtplib over a socket of our own, with replies that end.
"""

from __future__ import annotations

import re
import smtplib
import socket

# RFC 5321 §4.5.3.1.5 allows 512 bytes; EHLO needs a line for each extension.
MAX_LINE = 8192
MAX_LINES = 128

# RFC 5321 §4.2: three digits, then a hyphen if more lines follow.
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*?))?\r?\n")

# RFC 3463: class.subject.detail, the only part of a reply's text that is kept.
_ENHANCED = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")


class RefusedError(Exception):
    """
    The server said no, in a reply.
    """

    def __init__(self, code: int, text: bytes, *, for_ever: bool) -> None:
        super().__init__()
        self.for_ever = for_ever
        enhanced = _ENHANCED.match(text)
        self.detail = f"smtp_{code}_{enhanced[0].decode('ascii')}" if enhanced else f"smtp_{code}"


class UnusableError(Exception):
    """
    The server cannot be used, for a reason in one word.
    """

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = detail


class Dialogue(smtplib.SMTP):
    """
    smtplib over a socket that was connected by us.

    Its own reader keeps every line of a reply that never ends, and takes a
    reply that was cut in the middle for a whole one.
    """

    def __init__(self, stream: socket.socket, host: str, port: int, own_name: str) -> None:
        self.stream = stream
        super().__init__(host, port, local_hostname=own_name)

    def _get_socket(self, *_: object) -> socket.socket:
        return self.stream

    def hello(self) -> None:
        """
        Say EHLO; a server that does not know it cannot do what we need.
        """
        code, text = self.ehlo()
        if code != 250:
            raise RefusedError(code, text, for_ever=False)

    def secured(self, stream: socket.socket) -> None:
        """
        Go on over *stream*, which is this connection in TLS.
        """
        # RFC 3207 §4.2: nothing that was said in clear counts, and what waits
        # in the buffer was put there by somebody in the middle.
        self.sock = self.stream = stream
        self.file = None
        self.hello()

    def getreply(self) -> tuple[int, bytes]:
        """
        The code and the text of one complete reply.
        """
        if self.sock is None:
            raise UnusableError("disconnected")
        if self.file is None:
            self.file = self.sock.makefile("rb")
        texts: list[bytes] = []
        codes: set[bytes] = set()
        for _ in range(MAX_LINES):
            line = self.file.readline(MAX_LINE)
            match = _LINE.fullmatch(line)
            if match is None:
                raise UnusableError("reply" if line else "disconnected")
            codes.add(match[1])
            texts.append((match[3] or b"").strip())
            if match[2] != b"-" and len(codes) == 1:
                return int(match[1]), b"\n".join(texts)
            if match[2] != b"-":
                break
        raise UnusableError("reply")
