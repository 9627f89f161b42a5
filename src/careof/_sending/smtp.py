"""
The email senders, on the standard library's smtplib.
"""

from __future__ import annotations

import ssl
from datetime import timedelta
from typing import Any, Literal

import httpx

from careof._network.limits import seconds
from careof._network.policy import NetworkPolicy
from careof._network.tls import default_context, verifies
from careof._sending.mail import FromAddress, Mail
from careof._sending.smtp_session import Session
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof._values.secret import Secret
from careof._values.unwrap import Unseen, unwrap
from careof.errors import CareofError, ConfigurationError, SendRejectedError

# The operator of this host chose the server, so it may stand anywhere.  What is
# sent without TLS stays on this machine.
_ANYWHERE = NetworkPolicy(allow_networks=("0.0.0.0/0", "::/0"))
_THIS_MACHINE = NetworkPolicy.for_loopback()

Security = Literal["starttls", "tls", "none"]


class SmtpSender:
    """
    Sends email through an SMTP server, blocking.

    The certificate and the name of the server are verified.  A server that
    does not offer STARTTLS is refused before any credential or address is
    sent; clear text goes to this machine only.

    Args:
        host: The server.
        port: Its port; by default 587 for STARTTLS, 465 for TLS, 25 for none.
        from_address: Who the mail is from.
        security: ``"starttls"``, ``"tls"``, or ``"none"`` (loopback only).
        username, password: Credentials, if the server asks for them.
        ssl_context: Private authorities and client certificates.
        deadline: Seconds for everything until the message is handed over.
        final_reply: Seconds to wait for the reply to it.  RFC 5321 §4.5.3.2.6
            allows a server ten minutes; giving up earlier is ``uncertain``.
    """

    def __init__(
        self,
        host: str,
        port: int | None = None,
        *,
        from_address: str,
        security: Security = "starttls",
        username: str | None = None,
        password: str | Secret | None = None,
        ssl_context: ssl.SSLContext | None = None,
        deadline: float | timedelta = 30.0,
        final_reply: float | timedelta = 600.0,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if security not in ("starttls", "tls", "none"):
            raise ConfigurationError('SmtpSender: security: expected "starttls", "tls" or "none".')
        if security == "none" and not _THIS_MACHINE.allows_url(
            httpx.URL(scheme="http", host=host)
        ):
            raise ConfigurationError(
                'SmtpSender: security: "none" is for this machine only (localhost, 127.0.0.1).'
            )
        if (username is None) != (password is None):
            raise ConfigurationError("SmtpSender: username, password: expected both, or neither.")
        if ssl_context is not None and not verifies(ssl_context):
            raise ConfigurationError(
                "SmtpSender: ssl_context: it must verify certificates and host names."
            )
        self._host = host
        self._port = port or {"starttls": 587, "tls": 465, "none": 25}[security]
        self._from = FromAddress(from_address)
        self._security = security
        self._username = username
        self._password = Secret(password) if isinstance(password, str) else password
        self._ssl_context = ssl_context
        self._deadline = seconds(deadline)
        self._final_reply = seconds(final_reply)
        self._clock = clock
        if self._deadline <= 0 or self._final_reply <= 0:
            raise ConfigurationError(
                "SmtpSender: deadline, final_reply: expected seconds above 0."
            )

    def send(self, contact: Contact, message: Message) -> str:
        """
        Hand *message* over, and return its ``Message-ID``.

        Raises:
            SendRejectedError: The server will never accept it.
            SendUnavailableError: Nothing was accepted.
            DeliveryUncertainError: The server was given the message and did
                not say what became of it.
        """
        with Unseen():
            outcome = self._send(contact, message)
        return unwrap(outcome)

    def _send(self, contact: Contact, message: Message) -> str | CareofError:
        if contact.email is None:
            return SendRejectedError("The contact has no email address.", detail="no_address")
        session = Session(self._clock, self._deadline)
        try:
            mail = Mail(contact, message, self._from, self._clock)
            self._greet(session)
            session.envelope(self._from.address, mail)
            session.hand_over(mail, self._final_reply)
        except Exception as error:
            return session.failure(error)
        finally:
            session.close()
        return mail.message_id

    def _greet(self, session: Session) -> None:
        context = self._ssl_context or default_context()
        session.connect(
            self._host,
            self._port,
            _THIS_MACHINE if self._security == "none" else _ANYWHERE,
            context if self._security == "tls" else None,
            self._from.domain,
        )
        if self._security == "starttls":
            session.start_tls(context)
        if self._username is not None and self._password is not None:
            session.log_in(self._username, self._password.reveal())

    def __repr__(self) -> str:
        return f"SmtpSender({self._host!r}, {self._port}, security={self._security!r})"


class AsyncSmtpSender:
    """
    The same for asyncio and Trio: the blocking sender in a worker thread.

    A cancelled send waits for its thread, which its deadlines bound: a message
    that was begun is not left without an end.
    """

    def __init__(self, host: str, port: int | None = None, **options: Any) -> None:
        self._sender = SmtpSender(host, port, **options)

    async def send(self, contact: Contact, message: Message) -> str:
        """
        Hand *message* over, and return its ``Message-ID``; as ``SmtpSender.send``.
        """
        from anyio import to_thread

        with Unseen():
            return await to_thread.run_sync(self._sender.send, contact, message)

    def __repr__(self) -> str:
        return f"Async{self._sender!r}"
