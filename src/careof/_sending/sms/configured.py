"""
What both SMS senders are made of, checked when they are built.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, TypeVar

import httpx

from careof._network.asked import origin_of
from careof._network.call import Call
from careof._network.limits import Limits
from careof._network.network import AsyncNetwork, Network
from careof._network.policy import NetworkPolicy
from careof._network.tls import verifies
from careof._sending.sms.answer import GatewayAnswers, GatewayOutcome
from careof._sending.sms.request import GatewayRequest
from careof._sending.sms.segments import segments_of
from careof._values.clock import SYSTEM_CLOCK, Clock, is_clock
from careof._values.contact import Contact
from careof._values.invitation import Message
from careof._values.sealed import is_whole
from careof._values.unwrap import unwrap
from careof.auth import NoAuth
from careof.auth._strategy import bound_elsewhere
from careof.errors import CareofError, ConfigurationError, SendRejectedError

Transport = TypeVar("Transport", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)

# An answer that is not waited for makes a message uncertain: more than for a lookup.
_PATIENT = Limits(deadline=30.0, attempt=30.0, connect=5.0)
_MOST_SEGMENTS = 255  # 3GPP TS 23.040 §9.2.3.24.1: one octet says how many


class GatewaySettings(Generic[Transport]):
    """
    What both senders are made of.
    """

    _transport_type: ClassVar[type]
    _network_type: ClassVar[type[Network | AsyncNetwork]]
    _network: Any

    # What the repr shows of an object that is half built, in the traceback of
    # its own constructor.
    _name: str = "?"
    _auth: httpx.Auth = NoAuth()

    def __init__(
        self,
        request: GatewayRequest,
        auth: httpx.Auth | None = None,
        *,
        message_id: str | None = None,
        error: str | None = None,
        outcomes: Mapping[str | int, GatewayOutcome] | None = None,
        max_segments: int = 6,
        limits: Limits | None = None,
        network: NetworkPolicy | None = None,
        ssl_context: ssl.SSLContext | None = None,
        name: str | None = None,
        clock: Clock = SYSTEM_CLOCK,
        transport: Transport | None = None,
    ) -> None:
        kind = type(self).__name__
        for parameter, value, expected, words in (
            ("request", request, GatewayRequest, "a GatewayRequest"),
            ("auth", auth, httpx.Auth | None, "a strategy of careof.auth or an httpx.Auth"),
            ("limits", limits, Limits | None, "a Limits"),
            ("network", network, NetworkPolicy | None, "a NetworkPolicy"),
            ("ssl_context", ssl_context, ssl.SSLContext | None, "an ssl.SSLContext"),
            ("name", name, str | None, "a str"),
            (
                "transport",
                transport,
                self._transport_type | None,
                f"an httpx.{self._transport_type.__name__}",
            ),
        ):
            if not isinstance(value, expected):
                raise ConfigurationError(f"{kind}: {parameter}: expected {words}.")
        if ssl_context is not None and not verifies(ssl_context):
            raise ConfigurationError(f"{kind}: ssl_context: it must verify certificate and host.")
        if name is not None and not (name and name.isprintable()):
            raise ConfigurationError(f"{kind}: name: expected visible characters, or None.")
        if not (type(max_segments) is int and 0 < max_segments <= _MOST_SEGMENTS):
            raise ConfigurationError(
                f"{kind}: max_segments: expected a whole number from 1 to {_MOST_SEGMENTS}."
            )
        if not is_clock(clock):
            raise ConfigurationError(f"{kind}: clock: expected monotonic() and time().")
        self._limits = _PATIENT if limits is None else limits
        policy = NetworkPolicy() if network is None else network
        policy.check_url(request.origin)
        self._auth = NoAuth() if auth is None else auth
        unwrap(bound_elsewhere(self._auth, origin_of(request.origin)))
        self._answers = GatewayAnswers(
            kind,
            message_id=message_id,
            error=error,
            outcomes={} if outcomes is None else outcomes,
            max_depth=self._limits.max_depth,
        )
        self._request = request
        self._max_segments = max_segments
        self._name = request.origin.host if name is None else name
        self._network = self._network_type(
            policy=policy,
            limits=self._limits,
            ssl_context=ssl_context,
            clock=clock,
            transport=transport,
        )

    def _question(self, contact: Contact, message: Message) -> httpx.Request | CareofError:
        """
        The request that hands *message* over, or why there is none.
        """
        if message.channel != "sms":
            return SendRejectedError("The message is not for SMS.", detail="channel")
        if contact.phone is None:
            return SendRejectedError("The contact has no phone number.", detail="no_address")
        text = message.text.reveal()
        if not is_whole(text):
            return SendRejectedError("The text holds half a character.", detail="text")
        segments = segments_of(text).segments
        if segments > self._max_segments:
            return SendRejectedError(
                f"The text takes {segments} segments, and max_segments is {self._max_segments}.",
                detail="too_long",
            )
        return self._request._fill(contact.phone.reveal(), text)

    def _call(self, *, is_test: bool = False) -> Call:
        call: Call = self._network.call(
            self._limits.deadline, is_watched=is_test, is_test=is_test, asks_once=True
        )
        return call

    def _rehearsal(self, call: Call) -> httpx.Request | CareofError:
        """
        A request like those that hand messages over, but for nobody.
        """
        request = self._request._fill("", "")
        if isinstance(request, CareofError):
            return request
        call.passed("template", timed=False)
        return call.carried_by(request)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, auth={type(self._auth).__name__})"
