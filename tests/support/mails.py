"""
People, invitations and senders for tests about mail, and mail read back.
"""

from __future__ import annotations

import email
import email.header
import email.policy
import threading

from careof import CareofError, Contact, EmailAddress, Message, SealedText
from careof._sending.email.compiled import compiled
from careof._sending.email.mail import FromAddress, compose
from careof.testing import FakeClock

FROM = "Surveys <surveys@host.example>"


def contact(address="ada@customer.example", reference_id="C-1"):
    return Contact(reference_id, email=None if address is None else EmailAddress.parse(address))


def message(
    text="How was it?\n", *, subject="Your visit", html=None, channel="email", unsubscribe_url=None
):
    return Message(
        survey_id="S-1",
        channel=channel,
        subject=None if subject is None else SealedText(subject),
        text=SealedText(text),
        html=None if html is None else SealedText(html),
        unsubscribe_url=None if unsubscribe_url is None else SealedText(unsubscribe_url),
    )


def from_address(text=FROM):
    return FromAddress(text, "SmtpSender: from_address")


def composed(text="How was it?\n", *, address="ada@customer.example", sender=FROM, **parts):
    return compose(contact(address), message(text, **parts), from_address(sender), FakeClock())


def read(data):
    """
    The mail as a reader sees it.
    """
    return email.message_from_bytes(data, policy=email.policy.default)


def header(data, name):
    """
    The one header *name*, its encoded words decoded once, as RFC 2047 says.
    """
    [value] = email.message_from_bytes(data).get_all(name)
    return str(email.header.make_header(email.header.decode_header(value)))


# What differs between two mails that are read alike.
OF_ONE_MAIL = {"message-id", "date", "content-transfer-encoding", "content-type"}


def fields(data):
    """
    The headers as a reader sees them, but for what differs from mail to mail.
    """
    found = [(name, str(value)) for name, value in read(data).items()]
    return [field for field in found if field[0].lower() not in OF_ONE_MAIL]


def parts(data):
    """
    The parts as a reader sees them: type, charset and content.
    """
    found = read(data)
    assert found.defects == []
    return [
        (
            part.get_content_type(),
            part.get_content_charset(),
            part.get_content().replace("\r\n", "\n"),
        )
        for part in ([*found.iter_parts()] if found.is_multipart() else [found])
    ]


def filled_in(letter):
    """
    Whether the values of *letter* go into the slots of a compiled invitation.
    """
    return compiled(letter._parts).fill(letter._parts.reveal()) is not None


def unstuffed(wire):
    """
    What a server makes of *wire* (RFC 5321 §4.5.2), which must be all of it.
    """
    *lines, last, nothing = wire.split(b"\r\n")
    assert (last, nothing) == (b".", b"")
    assert b"." not in lines
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines)


BEFORE: set[threading.Thread] = set()


def our_threads():
    """
    The threads of careof that were begun in this test and do not end.
    """
    begun = set(threading.enumerate()) - BEFORE
    ours = [thread for thread in begun if thread.name.startswith("careof-")]
    for thread in ours:
        thread.join(0.5)
    return [thread.name for thread in ours if thread.is_alive()]


def failure(shell, sender, person, letter):
    """
    The error that a send ends in.  Nothing in this frame can be read, so that
    the traceback is the library's own.
    """
    try:
        shell.call(sender.send, person, letter)
    except CareofError as error:
        return error
    raise AssertionError("it was sent")
