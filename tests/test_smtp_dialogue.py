from __future__ import annotations

import contextlib
import socket
import ssl
import threading

import pytest

from careof._network.connection import CHUNK, Connection
from careof._network.limits import Deadline
from careof._network.waits import drive
from careof._sending.email.dialogue import (
    GREY_PAUSE,
    MAX_LINE,
    MAX_LINES,
    Dialogue,
    RefusedError,
    Reply,
    UnusableError,
    command,
)
from careof._values.clock import SYSTEM_CLOCK
from tests.support.server import certificate, trusting


def soon(seconds=5.0):
    return Deadline(SYSTEM_CLOCK, seconds)


@contextlib.contextmanager
def dialogue(replies=b"", *, ends=True):
    """
    A dialogue with a server that has said all its replies already, and its socket.
    """
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    with ours, theirs:
        theirs.sendall(replies)
        if ends:
            theirs.shutdown(socket.SHUT_WR)
        found = Dialogue(Connection(ours, 0.0))
        yield found, theirs
        found.close()


@pytest.mark.parametrize(
    "reply, code, lines",
    [
        (b"250 2.0.0 accepted\r\n", 250, [b"2.0.0 accepted"]),
        (b"250\r\n", 250, [b""]),
        (b"250 \r\n", 250, [b""]),
        (b"250 fine\n", 250, [b"fine"]),
        (b"250-one\r\n250-\r\n250 three\r\n", 250, [b"one", b"", b"three"]),
        (b"550 5.1.1 \xff\xfe\r\n", 550, [b"5.1.1 \xff\xfe"]),
        (b"250 " + b"x" * 8000 + b"\r\n", 250, [b"x" * 8000]),
        (
            b"250-a\r\n" * (MAX_LINES - 1) + b"250 z\r\n",
            250,
            [b"a"] * (MAX_LINES - 1) + [b"z"],
        ),
    ],
)
def test_a_whole_reply_is_read(reply, code, lines):
    with dialogue(reply) as (smtp, _):
        assert smtp.reply(soon()) == Reply(code, lines)


@pytest.mark.parametrize(
    "reply, detail",
    [
        (b"", "disconnected"),
        (b"250 2.0.0 acc", "reply"),
        (b"250", "reply"),
        (b"250-fine\r\n", "disconnected"),
        (b"250-fine\r\n250 ye", "reply"),
        (b"250-fine\r\n550 no\r\n", "reply"),
        (b"250-fine\r\n550-no\r\n250 yes\r\n", "reply"),
        (b"Ok\r\n", "reply"),
        (b"\r\n", "reply"),
        (b"25 0\r\n", "reply"),
        (b" 250 fine\r\n", "reply"),
        (b"2500 fine\r\n", "reply"),
        (b"150 fine\r\n", "reply"),
        (b"650 fine\r\n", "reply"),
        (b"250 " + b"x" * 4 * MAX_LINE + b"\r\n", "reply"),
        (b"250-a\r\n" * MAX_LINES + b"250 z\r\n", "reply"),
    ],
)
def test_anything_else_is_no_reply(reply, detail):
    with dialogue(reply) as (smtp, _), pytest.raises(UnusableError) as caught:
        smtp.reply(soon())

    assert caught.value.detail == detail


def test_replies_in_one_piece_are_read_one_by_one():
    with dialogue(b"250 one\r\n250-two\r\n250 more\r\n354 three\r\n") as (smtp, _):
        codes = [smtp.reply(soon()) for _ in range(3)]

        assert codes == [(250, [b"one"]), (250, [b"two", b"more"]), (354, [b"three"])]
        assert smtp.is_read()


def test_nothing_is_said_while_something_is_unread():
    with dialogue(b"250 one\r\n250 two\r\n", ends=False) as (smtp, theirs):
        smtp.reply(soon())

        assert not smtp.is_read()
        assert not smtp.is_quiet()
        with pytest.raises(UnusableError) as caught:
            smtp.say(b"DATA\r\n", soon())
        assert caught.value.detail == "extra_reply"

        theirs.settimeout(0)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


@pytest.mark.parametrize("since, is_quiet", [(b"", True), (b"421 bye\r\n", False)])
def test_what_comes_unasked_is_seen(since, is_quiet):
    with dialogue(b"250 one\r\n", ends=False) as (smtp, theirs):
        smtp.reply(soon())
        theirs.sendall(since)

        assert smtp.is_quiet() == is_quiet


def test_an_end_is_seen():
    with dialogue(b"250 one\r\n") as (smtp, _):
        smtp.reply(soon())

        assert not smtp.is_quiet()


def test_a_command_is_answered_in_time_or_not_at_all():
    with dialogue(ends=False) as (smtp, _), pytest.raises(TimeoutError):
        smtp.ask(b"NOOP\r\n", soon(0.05))


def test_a_message_of_many_records_arrives_whole_in_tls():
    data = bytes(range(256)) * CHUNK  # 4 MiB, far more than the buffers between
    ours, theirs = socket.socketpair()
    ours.settimeout(0)
    received = bytearray()
    context = certificate("mail.example")

    def read():
        with context.wrap_socket(theirs, server_side=True) as stream:
            while len(received) < len(data):
                received.extend(stream.recv(CHUNK))
            stream.sendall(b"250 all\r\n")

    reader = threading.Thread(target=read)
    reader.start()
    connection = Connection(ours, 0.0)
    drive(connection.start_tls(trusting(), "mail.example", soon()))
    smtp = Dialogue(connection)
    with contextlib.closing(smtp):
        reply = smtp.ask(data, soon(20))
        reader.join(5)

    assert reply.code == 250
    assert received == data


def test_a_server_that_speaks_no_tls_is_heard():
    with dialogue(b"220 hello\r\n" * 10) as (smtp, _), pytest.raises(ssl.SSLError):
        drive(smtp._connection.start_tls(trusting(), "mail.example", soon()))


@pytest.mark.parametrize(
    "words, line",
    [
        (("EHLO", "host.example"), b"EHLO host.example\r\n"),
        (("RCPT TO:<ädä@customer.example>",), "RCPT TO:<ädä@customer.example>\r\n".encode()),
    ],
)
def test_a_command_is_one_line(words, line):
    assert command(*words) == line


@pytest.mark.parametrize("wrong", ["\r\n", "\n", "\r", "\0", "\x7f"])
def test_a_command_cannot_be_two(wrong):
    with pytest.raises(UnusableError) as caught:
        command(f"RCPT TO:<ada@customer.example{wrong}DATA>")

    assert caught.value.detail == "command"


@pytest.mark.parametrize(
    "text, detail",
    [
        (b"5.1.1 ada@customer.example unknown", "smtp_550_5.1.1"),
        (b"5.7.509 policy", "smtp_550_5.7.509"),
        (b"ada@customer.example unknown", "smtp_550"),
        (b"5.1.1234 odd", "smtp_550"),
        (b"1.2.3 odd", "smtp_550"),
        (b"", "smtp_550"),
    ],
)
def test_of_a_refusal_only_the_numbers_are_kept(text, detail):
    error = RefusedError(550, text, for_ever=True)

    assert error.detail == detail
    assert error.args == ()
    assert vars(error) == {"for_ever": True, "detail": detail, "retry_after": None}


@pytest.mark.parametrize(
    "code, text, seconds",
    [
        (450, b"4.2.0 Greylisted, come back", GREY_PAUSE),
        (451, b"4.7.1 Try again later", GREY_PAUSE),
        (450, b"4.7.1", GREY_PAUSE),
        (452, b"4.2.2 full", None),
        (451, b"4.3.0 something broke", None),
        (451, b"Greylisted", None),
        (550, b"5.7.1 never", None),
    ],
)
def test_who_is_on_a_greylist_waits_five_minutes(code, text, seconds):
    assert RefusedError(code, text, for_ever=False).retry_after == seconds
