"""
A message as an email: headers, text and HTML, by the standard library's policies.
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import make_msgid

from careof._values.clock import Clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof.errors import ConfigurationError

# Seven bits, so that every server can carry it, 8BITMIME or not.
_POLICY = SMTP.clone(cte_type="7bit")
_POLICY_UTF8 = SMTPUTF8.clone(cte_type="7bit")


class FromAddress:
    """
    Who the mail is from: an address, perhaps with a display name.
    """

    __slots__ = ("address", "domain", "header")

    def __init__(self, text: str) -> None:
        from email_validator import EmailNotValidError, validate_email

        problem = None
        try:
            parsed = validate_email(text, check_deliverability=False, allow_display_name=True)
        except (EmailNotValidError, TypeError, ValueError) as error:
            problem = type(error).__name__
        if problem or not parsed.ascii_email:
            raise ConfigurationError(
                'SmtpSender: from_address: expected an address such as "surveys@host.example" or '
                '"Surveys <surveys@host.example>", in ASCII.'
            )
        self.address = parsed.ascii_email
        self.domain = parsed.ascii_domain
        local_part = self.address.rpartition("@")[0]
        self.header = Address(parsed.display_name or "", local_part, self.domain)


class Mail:
    """
    One mail, ready to be handed over: envelope and bytes.

    Attributes:
        recipient: The address as the envelope has it, its domain in ASCII.
        needs_utf8: Whether the server must offer SMTPUTF8 (RFC 6531).
        message_id: The ``Message-ID``, without the name of this machine.
    """

    __slots__ = ("data", "message_id", "needs_utf8", "recipient")

    def __init__(
        self, contact: Contact, message: Message, from_address: FromAddress, clock: Clock
    ) -> None:
        address = "" if contact.email is None else contact.email.reveal()
        local_part, _, domain = address.rpartition("@")
        self.needs_utf8 = not local_part.isascii()
        self.recipient = f"{local_part}@{domain if self.needs_utf8 else _ascii(domain)}"
        # From the sender's domain: the default is the name of this machine.
        self.message_id = make_msgid(domain=from_address.domain)
        mail = EmailMessage(policy=_POLICY_UTF8 if self.needs_utf8 else _POLICY)
        mail["From"] = from_address.header
        mail["To"] = Address("", *self.recipient.rsplit("@", 1))
        mail["Subject"] = "" if message.subject is None else message.subject.reveal()
        mail["Date"] = datetime.fromtimestamp(clock.time(), UTC)
        mail["Message-ID"] = self.message_id
        # RFC 3834 §5: no out-of-office reply, please.
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text.reveal())
        if message.html is not None:
            mail.add_alternative(message.html.reveal(), subtype="html")
        self.data = mail.as_bytes()


def _ascii(domain: str) -> str:
    import idna

    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode("ascii")
