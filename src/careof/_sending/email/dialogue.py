"""
Commands and replies, each reply for one command.

Theory of operation: a reply does not say what it replies to; only its place
does.  One reply too many, and the ``accepted`` of one message would be read as
that of the next.  So nothing is said while something is unread, and a
conversation that rested goes on only if nothing has come meanwhile.  In a group
of commands a reply too many is seen by the 354 that then stands elsewhere.  A
reply is whole and has one code, or it is none.  Of what a server says only
numbers and the names of extensions leave this file: servers repeat addresses
and credentials.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from careof._network.connection import CHUNK, Connection
from careof._network.limits import Deadline
from careof._network.waits import drive

# RFC 5321 §4.5.3.1.5 allows 512 bytes; EHLO needs a line for each extension.
MAX_LINE = 8192
MAX_LINES = 128

# RFC 5321 §4.2: three digits, then a hyphen if more lines follow.
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])(.*?))?\r?\n")
# Nearly all are one short line that has come already.
_WHOLE = re.compile(rb"([2-5][0-9]{2}) ([!-~][ -~]{0,500})\r\n")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")

# RFC 3463: class.subject.detail, the only part of a reply's text that is kept.
_ENHANCED = re.compile(rb"[245]\.[0-9]{1,3}\.[0-9]{1,3}\b")

# What filters for greylists say, and how long most of them want us to wait.
_GREY = re.compile(r"smtp_45[01]_4\.(?:7\.1|2\.0)")
GREY_PAUSE = 300.0  # seconds


class RefusedError(Exception):
    """
    The server said no, in a reply.
    """

    def __init__(self, code: int, text: bytes, *, for_ever: bool) -> None:
        super().__init__()
        self.for_ever = for_ever
        enhanced = _ENHANCED.match(text)
        self.detail = f"smtp_{code}_{enhanced[0].decode('ascii')}" if enhanced else f"smtp_{code}"
        self.retry_after = GREY_PAUSE if _GREY.fullmatch(self.detail) else None


class UnusableError(Exception):
    """
    The server cannot be used, for a reason in one word.
    """

    def __init__(self, detail: str) -> None:
        super().__init__()
        self.detail = detail


class Reply(NamedTuple):
    """
    One complete reply: its code, and the text of each line.
    """

    code: int
    lines: list[bytes]

    def refusal(self, *, for_ever: bool = False) -> RefusedError:
        """
        It as an error: the server said no.
        """
        return RefusedError(self.code, self.lines[0], for_ever=for_ever)


class Dialogue:
    """
    One side of a conversation over *connection*.
    """

    __slots__ = ("_connection", "_unread")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._unread = b""

    def ask(self, command: bytes, deadline: Deadline) -> Reply:
        """
        The reply to *command*.
        """
        self.say(command, deadline)
        return self.reply(deadline)

    def say(self, data: bytes, deadline: Deadline) -> None:
        """
        Send *data*: a command, a group of them, or a message.
        """
        if self._unread:
            raise UnusableError("extra_reply")
        # A record of TLS at a time: the rest is not encrypted while this one waits.
        for at in range(0, len(data), CHUNK):
            drive(self._connection.send(data[at : at + CHUNK], deadline))

    def reply(self, deadline: Deadline) -> Reply:
        """
        The next reply.
        """
        if not self._unread:
            self._unread = drive(self._connection.receive(deadline))
        whole = _WHOLE.match(self._unread)
        if whole is not None:
            self._unread = self._unread[whole.end() :]
            return Reply(int(whole[1]), [whole[2]])
        codes: set[bytes] = set()
        lines: list[bytes] = []
        for _ in range(MAX_LINES):
            match = _LINE.fullmatch(self._line(deadline))
            if match is None:
                raise UnusableError("reply")
            codes.add(match[1])
            lines.append((match[3] or b"").strip())
            if len(codes) > 1:
                break
            if match[2] != b"-":
                return Reply(int(match[1]), lines)
        raise UnusableError("reply")

    def is_read(self) -> bool:
        """
        Whether nothing came behind the last reply.
        """
        return not self._unread

    def is_quiet(self) -> bool:
        """
        Whether nothing is unread, and nothing has come that was not asked for.
        """
        return not self._unread and self._connection.is_quiet()

    def close(self) -> None:
        """
        Close the connection at once.
        """
        self._connection.close()

    def _line(self, deadline: Deadline) -> bytes:
        line, end, rest = self._unread.partition(b"\n")
        while not end:
            if len(line) > MAX_LINE:
                raise UnusableError("reply")
            received = drive(self._connection.receive(deadline))
            if not received:
                # Cut in the middle it is no reply, whatever it begins with.
                raise UnusableError("reply" if line else "disconnected")
            more, end, rest = received.partition(b"\n")
            line += more
        self._unread = rest
        return line + end


def command(*words: str) -> bytes:
    """
    The line that *words* are.
    """
    line = " ".join(words)
    # Nothing that gets here can have one: this is the last door.
    if _CONTROL.search(line):
        raise UnusableError("command")
    return f"{line}\r\n".encode()
