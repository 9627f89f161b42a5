"""
A message as an email: an envelope, a few headers of our own, a body by the standard library.

Theory of operation: the library reads a header before it writes it.  It decodes
what looks like an encoded word (RFC 2047), and before Python 3.11.10 it writes
the line break that it found there: a first name of ``=?utf-8?q?=0D=0ABcc=3A..?=``
would make a header.  So the headers are written here, from values that were
looked at, and only the body is left to the library.
"""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr, make_msgid

from careof._values.addresses import EmailAddress, ascii_address
from careof._values.clock import Clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof.errors import ConfigurationError, SendRejectedError

# Seven bits, so that every server can carry it, 8BITMIME or not.
_POLICY = SMTP.clone(cte_type="7bit")

# RFC 5321 §4.1.2, without quoted local parts and address literals, which no
# EmailAddress.parse returns.  Quoting is where readers disagree about the end.
_PLAIN = r"[^\s\x00-\x20\x7f()<>\[\]:;@\\,\"]"
_ADDRESS = re.compile(f"{_PLAIN}{{1,64}}@{_PLAIN}{{1,255}}")
_NAMED = re.compile(r"([^<>\"\\]*[^<>\"\\\s])\s*<([^<>]+)>")
_ENCODED_WORD = "=?"
_LONGEST_NAME = 200  # characters; RFC 5322 §2.1.1 ends a line at 998
_SHORT = 60  # characters of a subject that fit beside its name


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
        if not (parsed and _is_plain(parsed.ascii_email or "") and len(name) <= _LONGEST_NAME):
            raise ConfigurationError(
                f'{parameter}: expected an address such as "surveys@host.example" or '
                '"Surveys <surveys@host.example>", the address itself in ASCII.'
            )
        self.address = str(parsed.ascii_email)
        self.domain = parsed.ascii_domain
        if name.isascii() and _ENCODED_WORD not in name:
            self.header = formataddr((name, self.address))
        else:
            self.header = f"{_encoded('From', name)} <{self.address}>"


class Mail:
    """
    One mail, ready to be handed over: envelope and bytes.

    Attributes:
        recipient: The address as the envelope has it, its domain in ASCII.
        needs_utf8: Whether the server must offer SMTPUTF8 (RFC 6531).
        message_id: The ``Message-ID``, without the name of this machine.
        data: Headers and body, every line with CRLF at its end.
    """

    __slots__ = ("data", "message_id", "needs_utf8", "recipient")

    def __init__(
        self, email: EmailAddress, message: Message, from_address: FromAddress, clock: Clock
    ) -> None:
        address = email.reveal()
        self.needs_utf8 = not address.rpartition("@")[0].isascii()
        self.recipient = address if self.needs_utf8 else ascii_address(address)
        if not _is_plain(self.recipient):
            raise ValueError
        # From the sender's domain: the default is the name of this machine.
        self.message_id = make_msgid(domain=from_address.domain)
        headers = {
            "From": from_address.header,
            "To": self.recipient,
            "Subject": _subject("" if message.subject is None else message.subject.reveal()),
            "Date": format_datetime(datetime.fromtimestamp(clock.time(), UTC)),
            "Message-ID": self.message_id,
            # RFC 3834 §5: no out-of-office reply, please.
            "Auto-Submitted": "auto-generated",
        }
        body = EmailMessage(policy=_POLICY)
        body.set_content(message.text.reveal())
        if message.html is not None:
            body.add_alternative(message.html.reveal(), subtype="html")
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.data = head.encode() + body.as_bytes()


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


def _is_plain(address: str) -> bool:
    return bool(_ADDRESS.fullmatch(address)) and _ENCODED_WORD not in address


def _subject(text: str) -> str:
    if not text.isprintable():
        raise ValueError
    if text.isascii() and len(text) <= _SHORT and _ENCODED_WORD not in text:
        return text
    return _encoded("Subject", text)


def _encoded(header: str, text: str) -> str:
    return Header(text, "utf-8", header_name=header).encode(linesep="\r\n")
