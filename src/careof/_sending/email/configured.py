"""
What an email sender was configured with, checked when it is built.
"""

from __future__ import annotations

import ipaddress
import re
import ssl
from datetime import timedelta
from typing import Literal

from careof._network.limits import Deadline, seconds
from careof._network.policy import NetworkPolicy
from careof._network.tls import verifies
from careof._resolving.check import CheckReport
from careof._sending.email.turns import Turn, Turns
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof._values.secret import Secret, as_secret
from careof._values.unwrap import unwrap
from careof.errors import CareofError, ConfigurationError

# Where no policy is given, the operator of this host chose the server, so it may
# stand anywhere.  What is sent without TLS stays on this machine.
_ANYWHERE = NetworkPolicy(allow_networks=("0.0.0.0/0", "::/0"))
_THIS_MACHINE = NetworkPolicy.for_loopback()

Security = Literal["starttls", "tls", "none"]
_PORTS = {"starttls": 587, "tls": 465, "none": 25}
_NAME = re.compile(r"[A-Za-z0-9._-]{1,255}")
_A_DAY = 86_400.0  # seconds; much more overflows the timers of the system
_MOST_CONNECTIONS = 1000


class SmtpConfigured:
    """
    What both email senders are made of.
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
        connections: int = 4,
        deadline: float | timedelta = 30.0,
        final_reply: float | timedelta = 600.0,
        network: NetworkPolicy | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        from careof._sending.email.carrier import Carrier
        from careof._sending.email.mail import FromAddress
        from careof._sending.email.server import Server

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
        if not (type(connections) is int and 0 < connections <= _MOST_CONNECTIONS):
            raise self._wrong("connections", "expected a whole number from 1 to 1,000")
        sender = FromAddress(from_address, f"{name}: from_address")
        self._server = Server(
            host=host,
            port=self._port,
            security=security,
            policy=self._policy(),
            ssl_context=ssl_context,
            username=username,
            password=None if secret is None else unwrap(secret),
            own_name=sender.domain,
            clock=clock,
        )
        self._deadline = seconds(deadline)
        until_decided = seconds(final_reply)
        if not 0 < self._deadline <= _A_DAY:
            raise self._wrong("deadline", "expected seconds above 0, and at most a day")
        if not 0 < until_decided <= _A_DAY:
            raise self._wrong("final_reply", "expected seconds above 0, and at most a day")
        self._clock = clock
        # Nothing is under way for longer than both together.
        self._turns = Turns(connections, self._deadline + until_decided, clock)
        self._carrier = Carrier(self._server, sender, network, until_decided, clock)

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

    def _deliver(
        self, turn: Turn, letters: list[tuple[Contact, Message]], deadline: Deadline
    ) -> str | CareofError:
        """
        Use *turn*, in a thread that may block, for the last of *letters*.

        It is taken out of the list: a thread of a pool holds what it was called
        with until it is called again.
        """
        from careof._sending.email.dialogue import UnusableError
        from careof._sending.email.failures import failure

        if not turn.claim():  # given up before this thread began
            return failure(UnusableError("busy"))
        try:
            if turn.has_come():
                return self._carrier.carry(*letters.pop(), deadline)
            return failure(UnusableError("busy"))
        finally:
            self._turns.give_back(turn)

    def _look(self) -> CheckReport:
        from careof._sending.email.check import check

        return check(self._server, Deadline(self._clock, self._deadline), self._network)

    def _policy(self) -> NetworkPolicy:
        if self._network is not None:
            return self._network
        return _THIS_MACHINE if self._security == "none" else _ANYWHERE

    def _wrong(self, parameter: str, expected: str) -> ConfigurationError:
        return ConfigurationError(f"{type(self).__name__}: {parameter}: {expected}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._host!r}, {self._port}, security={self._security!r})"


def _is_host(host: str) -> bool:
    # A colon is part of an IPv6 address, or begins a port that belongs elsewhere.
    try:
        return bool(_NAME.fullmatch(host)) or bool(ipaddress.IPv6Address(host))
    except ValueError:
        return False
