"""
The way to a mail server: from its name to a conversation in which it knows us.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Literal

import attrs

from careof._network.connection import Connection
from careof._network.limits import Deadline
from careof._network.names import addresses
from careof._network.policy import NetworkPolicy
from careof._network.tls import default_context
from careof._network.waits import drive
from careof._sending.email.dialogue import Dialogue, UnusableError, command
from careof._sending.email.login import log_in
from careof._sending.email.offer import Offer
from careof._sending.email.session import Session
from careof._values.clock import Clock
from careof._values.secret import Secret
from careof.errors import CareofError

Security = Literal["starttls", "tls", "none"]

# Told of each step that succeeded, with a remark that names nobody.
Passed = Callable[[str, str], None]


def nobody(_step: str, _remark: str) -> None:
    """
    Nobody is told.
    """


@attrs.frozen(kw_only=True)
class Server:
    """
    Where a mail server stands, and how it knows that it is us.

    Attributes:
        policy: Where connections may go.
        own_name: What we are called in EHLO.
    """

    host: str
    port: int
    security: Security
    policy: NetworkPolicy
    ssl_context: ssl.SSLContext | None
    username: str | None = attrs.field(repr=False)
    password: Secret | None
    own_name: str
    clock: Clock

    def open(self, deadline: Deadline, passed: Passed = nobody) -> Session:
        """
        A conversation that is ready for messages; raises whatever fails.
        """
        found = addresses(self.host, self.policy, deadline)
        if isinstance(found, CareofError):
            raise found
        passed("destination", "")
        connection = drive(Connection.open(found, self.port, deadline))
        session = None
        try:
            passed("connect", "")
            session = self._introduced(connection, deadline, passed)
        finally:
            if session is None:
                connection.close()
        return session

    def _introduced(self, connection: Connection, deadline: Deadline, passed: Passed) -> Session:
        if self.security == "tls":
            self._secure(connection, deadline, passed)
        dialogue = Dialogue(connection)
        greeting = dialogue.reply(deadline)
        if greeting.code != 220:
            raise greeting.refusal()
        passed("greeting", "")
        offer = self._hello(dialogue, deadline)
        passed("hello", ", ".join(offer.names))
        if self.security == "starttls":
            offer = self._start_tls(connection, dialogue, offer, deadline, passed)
        if self.username is not None and self.password is not None:
            how = log_in(dialogue, offer, self.username, self.password.reveal(), deadline)
            passed("login", how)
        return Session(dialogue, offer, self.clock)

    def _hello(self, dialogue: Dialogue, deadline: Deadline) -> Offer:
        # Who knows no EHLO cannot do what we need.
        reply = dialogue.ask(command("EHLO", self.own_name), deadline)
        if reply.code != 250:
            raise reply.refusal()
        return Offer(reply.lines)

    def _start_tls(
        self,
        connection: Connection,
        dialogue: Dialogue,
        offer: Offer,
        deadline: Deadline,
        passed: Passed,
    ) -> Offer:
        if "STARTTLS" not in offer:
            raise UnusableError("starttls_missing")
        reply = dialogue.ask(b"STARTTLS\r\n", deadline)
        if reply.code != 220:
            raise reply.refusal()
        # What waits behind it was put there by somebody in the middle, who hopes
        # that we take it for a part of what comes in TLS.
        if not dialogue.is_quiet():
            raise UnusableError("extra_reply")
        self._secure(connection, deadline, passed)
        return self._hello(dialogue, deadline)

    def _secure(self, connection: Connection, deadline: Deadline, passed: Passed) -> None:
        context = default_context() if self.ssl_context is None else self.ssl_context
        drive(connection.start_tls(context, self.host, deadline))
        passed("tls", "")
