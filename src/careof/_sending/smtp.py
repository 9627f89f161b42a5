"""
The email senders, on the standard library's smtplib, which is imported at first use.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from datetime import timedelta
from typing import Literal

from careof._network.limits import seconds
from careof._network.policy import NetworkPolicy
from careof._network.tls import default_context, verifies
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof._values.secret import Secret, as_secret
from careof._values.unwrap import Unseen, unwrap
from careof.errors import CareofError, ConfigurationError

# Where no policy is given, the operator of this host chose the server, so it may
# stand anywhere.  What is sent without TLS stays on this machine.
_ANYWHERE = NetworkPolicy(allow_networks=("0.0.0.0/0", "::/0"))
_THIS_MACHINE = NetworkPolicy.for_loopback()

Security = Literal["starttls", "tls", "none"]
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
_A_DAY = 86_400.0  # seconds; much more overflows the timers of the system


class _Smtp:
    """
    What both senders are made of.
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
        network: NetworkPolicy | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        from careof._sending.mail import FromAddress

        name = type(self).__name__
        secret = None if password is None else as_secret(password, f"{name}: password")
        del password  # a traceback with locals would show it
        # First what the repr shows, because such a traceback asks for it.
        self._host = host
        self._security = security
        self._port = _PORTS.get(security, 0) if port is None else port
        self._network = network
        self._check_server(port)
        if (username is None) != (secret is None):
            raise self._wrong("username, password", "expected both, or neither")
        if not isinstance(username, str | None):
            raise self._wrong("username", "expected a str, or None")
        if ssl_context is not None and not verifies(ssl_context):
            raise self._wrong("ssl_context", "it must verify certificates and host names")
        self._from = FromAddress(from_address, f"{name}: from_address")
        self._username = username
        self._password = None if secret is None else unwrap(secret)
        self._ssl_context = ssl_context
        self._deadline = seconds(deadline)
        self._final_reply = seconds(final_reply)
        self._clock = clock
        if not 0 < self._deadline <= _A_DAY:
            raise self._wrong("deadline", "expected seconds above 0, and at most a day")
        if not 0 < self._final_reply <= _A_DAY:
            raise self._wrong("final_reply", "expected seconds above 0, and at most a day")

    def _check_server(self, port: object) -> None:
        if self._security not in _PORTS:
            raise self._wrong("security", 'expected "starttls", "tls" or "none"')
        if not (isinstance(self._host, str) and _is_host(self._host)):
            raise self._wrong(
                "host", 'expected a name or an address without a port, as "smtp.host.example"'
            )
        if self._security == "none" and not _THIS_MACHINE._allows_server(self._host, self._port):
            raise self._wrong("security", '"none" is for this machine only (localhost, 127.0.0.1)')
        if not (port is None or (isinstance(port, int) and 0 < port < 65_536)):
            raise self._wrong("port", "expected a number from 1 to 65535, or None")
        network = self._network
        if not isinstance(network, NetworkPolicy | None):
            raise self._wrong("network", "expected a NetworkPolicy, or None")
        if network is not None and not network._allows_server(self._host, self._port):
            raise network._server_refusal()

    def _send(self, contact: Contact, message: Message) -> str | CareofError:
        from careof._sending.mail import compose
        from careof._sending.smtp_session import Session

        mail = compose(contact, message, self._from, self._clock)
        if isinstance(mail, CareofError):
            return mail
        context = default_context() if self._ssl_context is None else self._ssl_context
        session = Session(self._clock, self._deadline, self._network)
        try:
            session.connect(
                self._host,
                self._port,
                self._policy(),
                context if self._security == "tls" else None,
                self._from.domain,
            )
            if self._security == "starttls":
                session.start_tls(self._host, context)
            if self._username is not None and self._password is not None:
                session.log_in(self._username, self._password.reveal())
            session.envelope(self._from.address, mail)
            session.hand_over(mail, self._final_reply)
        except Exception as error:
            return session.failure(error)
        finally:
            session.close()
        return mail.message_id

    def _policy(self) -> NetworkPolicy:
        if self._network is not None:
            return self._network
        return _THIS_MACHINE if self._security == "none" else _ANYWHERE

    def _wrong(self, parameter: str, expected: str) -> ConfigurationError:
        return ConfigurationError(f"{type(self).__name__}: {parameter}: {expected}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._host!r}, {self._port}, security={self._security!r})"


class SmtpSender(_Smtp):
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
        network: None for a server of the operator's own, which may stand
            anywhere.  For one that a tenant chose, a policy that names the
            ports of mail, such as ``NetworkPolicy(ports={465, 587})``: host and
            port are judged here, every address when a connection is opened.

    Raises:
        DestinationRefusedError: *network* does not allow the server.
    """

    def send(self, contact: Contact, message: Message) -> str:
        """
        Hand *message* over, and return its ``Message-ID``.

        Raises:
            SendRejectedError: The server will never accept it.
            SendUnavailableError: Nothing was accepted.
            DestinationRefusedError: *network* does not allow the server, or it
                does not exist; nothing was sent.
            DeliveryUncertainError: The server was given the message and did
                not say what became of it.
        """
        with Unseen():
            outcome = self._send(contact, message)
        return unwrap(outcome)


class AsyncSmtpSender(_Smtp):
    """
    As ``SmtpSender``, for asyncio and Trio: a blocking session in a worker thread.

    A message that was begun is not left without an end: a send that is
    cancelled by Trio or by a scope of anyio waits for its thread, which its
    deadlines bound.  asyncio's own ``Task.cancel`` waits for nothing; the thread
    then comes to its end alone.
    """

    async def send(self, contact: Contact, message: Message) -> str:
        """
        Hand *message* over, and return its ``Message-ID``; as ``SmtpSender.send``.
        """
        from anyio import to_thread

        with Unseen():
            outcome = await to_thread.run_sync(self._send, contact, message)
        return unwrap(outcome)


def _is_host(host: str) -> bool:
    # A colon is part of an IPv6 address, or begins a port that belongs elsewhere.
    try:
        return bool(_NAME.fullmatch(host)) or bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False
