"""
A message as an email: an envelope and bytes.

Theory of operation: there are two ways to write one.  The fast way fills slots
(``compiled.py``); it takes plain values only.  The slow way leaves the whole
body to the ``email`` package, and takes everything.  Both are read alike, and
the headers come from the same lines (``mail_head.py``).
"""

from __future__ import annotations

import contextlib
import re
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr

from careof._sending.email.compiled import compiled
from careof._sending.email.mail_head import (
    ENCODED_WORD,
    encoded,
    head,
    is_plain_address,
    new_message_id,
    subject_line,
)
from careof._values.addresses import EmailAddress, ascii_address
from careof._values.clock import Clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof._values.templates import Filled
from careof.errors import ConfigurationError, SendRejectedError

# Seven bits, so that every server can carry it, 8BITMIME or not; and lines that
# quoted-printable may have (RFC 2045 §6.7 (5)).
_POLICY = SMTP.clone(cte_type="7bit", max_line_length=76)

_NAMED = re.compile(r"([^<>\"\\]*[^<>\"\\\s])\s*<([^<>]+)>")
_LONGEST_NAME = 200  # characters; RFC 5322 §2.1.1 ends a line at 998


class FromAddress:
    """
    Who the mail is from: an address, perhaps with a display name.
    """

    __slots__ = ("address", "domain", "header")

    def __init__(self, text: str, parameter: str) -> None:
        from email_validator import EmailNotValidError, validate_email

        parsed = None
        with contextlib.suppress(EmailNotValidError, TypeError, ValueError, AttributeError):
            # A name may be written without quotes in every script.
            named = _NAMED.fullmatch(text)
            parsed = validate_email(
                f'"{named[1]}" <{named[2]}>' if named else text,
                check_deliverability=False,
                allow_display_name=True,
            )
        name = parsed.display_name or "" if parsed else ""
        if not (
            parsed and is_plain_address(parsed.ascii_email or "") and len(name) <= _LONGEST_NAME
        ):
            raise ConfigurationError(
                f'{parameter}: expected an address such as "surveys@host.example" or '
                '"Surveys <surveys@host.example>", the address itself in ASCII.'
            )
        self.address = str(parsed.ascii_email)
        self.domain = parsed.ascii_domain
        if name.isascii() and ENCODED_WORD not in name:
            self.header = formataddr((name, self.address))
        else:
            self.header = f"{encoded('From', name)} <{self.address}>"


class Mail:
    """
    One mail, ready to be handed over: envelope and bytes.

    Attributes:
        recipient: The address as the envelope has it, its domain in ASCII.
        needs_utf8: Whether the server must offer SMTPUTF8 (RFC 6531).
        message_id: The ``Message-ID``, without the name of this machine.
        data: Headers and body, every line with CRLF at its end.
        wire: What follows DATA: the same with its dots doubled, and the last line.
    """

    __slots__ = ("data", "message_id", "needs_utf8", "recipient", "wire")

    def __init__(
        self, email: EmailAddress, message: Message, from_address: FromAddress, clock: Clock
    ) -> None:
        address = email.reveal()
        is_ascii = address.isascii()
        self.needs_utf8 = not (is_ascii or address.rpartition("@")[0].isascii())
        self.recipient = address if is_ascii or self.needs_utf8 else ascii_address(address)
        if not is_plain_address(self.recipient):
            raise ValueError
        self.message_id = new_message_id(from_address.domain)
        subject, body = _filled(message) or _written(message)
        headers = head(
            sender=from_address.header,
            recipient=self.recipient,
            subject=subject,
            time=clock.time(),
            message_id=self.message_id,
            unsubscribe_url=message.unsubscribe_url,
        )
        self.data = (headers + body).encode()
        # RFC 5321 §4.5.2.  The first line is a header and has no dot before it.
        self.wire = self.data.replace(b"\r\n.", b"\r\n..") + b".\r\n"


def compose(
    contact: Contact, message: Message, from_address: FromAddress, clock: Clock
) -> Mail | SendRejectedError:
    """
    The mail, or why there will never be one.
    """
    if message.channel != "email":
        # A text for a telephone may say what no mail should, and has no subject.
        return SendRejectedError("The message is not for email.", detail="channel")
    if contact.email is None:
        return SendRejectedError("The contact has no email address.", detail="no_address")
    try:
        return Mail(contact.email, message, from_address, clock)
    except Exception as error:
        return SendRejectedError(
            "The message cannot be written as an email: an address or a subject line holds "
            f"characters that no header can ({type(error).__name__}).",
            detail="mail",
        )


def _filled(message: Message) -> tuple[str, str] | None:
    """
    Subject and body in the fast way, if it can be gone.
    """
    parts = message._parts
    return compiled(parts).fill(parts.reveal()) if isinstance(parts, Filled) else None


def _written(message: Message) -> tuple[str, str]:
    """
    Subject and body as the ``email`` package writes them.
    """
    subject, html = message.subject, message.html
    body = EmailMessage(policy=_POLICY)
    body.set_content(message.text.reveal())
    if html is not None:
        body.add_alternative(html.reveal(), subtype="html")
    line = subject_line("" if subject is None else subject.reveal())
    return line, body.as_bytes().decode("ascii")
