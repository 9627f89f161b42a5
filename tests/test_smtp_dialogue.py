from __future__ import annotations

import contextlib
import socket

import pytest

from careof._sending.smtp_dialogue import (
    MAX_LINE,
    MAX_LINES,
    Dialogue,
    RefusedError,
    UnusableError,
)

GREETING = b"220 mail.example\r\n"


@contextlib.contextmanager
def dialogue(replies, *, ends=True):
    """
    A dialogue with a server that has said all its replies already.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(GREETING + replies)
        if ends:
            theirs.shutdown(socket.SHUT_WR)
        found = Dialogue(ours, "mail.example", 25, "host.example")
        yield found
        found.close()


@pytest.mark.parametrize(
    "reply, code, text",
    [
        (b"250 2.0.0 accepted\r\n", 250, b"2.0.0 accepted"),
        (b"250\r\n", 250, b""),
        (b"250 \r\n", 250, b""),
        (b"250 fine\n", 250, b"fine"),
        (b"250-one\r\n250-\r\n250 three\r\n", 250, b"one\n\nthree"),
        (b"550 5.1.1 \xff\xfe\r\n", 550, b"5.1.1 \xff\xfe"),
        (b"250-a\r\n" * (MAX_LINES - 1) + b"250 z\r\n", 250, b"a\n" * (MAX_LINES - 1) + b"z"),
    ],
)
def test_a_whole_reply_is_read(reply, code, text):
    with dialogue(reply) as smtp:
        assert smtp.getreply() == (code, text)


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
        (b"250 " + b"x" * MAX_LINE + b"\r\n", "reply"),
        (b"250-a\r\n" * MAX_LINES + b"250 z\r\n", "reply"),
    ],
)
def test_anything_else_is_no_reply(reply, detail):
    """
    smtplib takes ``250 2.0.0 acc`` for a good reply, and reads on for ever.
    """
    with dialogue(reply) as smtp, pytest.raises(UnusableError) as caught:
        smtp.getreply()

    assert caught.value.detail == detail


def test_a_dialogue_that_is_over_has_no_replies():
    with dialogue(b"250 fine\r\n") as smtp:
        smtp.close()

        with pytest.raises(UnusableError):
            smtp.getreply()


def test_the_hello_names_the_senders_domain():
    with dialogue(b"250 mail.example\r\n") as smtp:
        smtp.hello()

        assert smtp.local_hostname == "host.example"


def test_a_server_that_knows_no_ehlo_is_refused():
    with dialogue(b"502 5.5.1 unknown\r\n") as smtp, pytest.raises(RefusedError) as caught:
        smtp.hello()

    assert caught.value.detail == "smtp_502_5.5.1"
    assert not caught.value.for_ever


def test_what_was_said_before_tls_does_not_count_in_it():
    ours, theirs = socket.socketpair()
    with dialogue(b"250-mail.example\r\n250 AUTH PLAIN\r\n250 injected\r\n") as smtp, ours, theirs:
        smtp.hello()
        theirs.sendall(b"250-mail.example\r\n250 8BITMIME\r\n")

        smtp.secured(ours)

        assert smtp.has_extn("8bitmime")
        assert not smtp.has_extn("auth")
        smtp.close()


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
    assert vars(error) == {"for_ever": True, "detail": detail}
