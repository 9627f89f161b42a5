"""
What both resolvers are made of, checked when they are built.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import Any, ClassVar, Generic, TypeVar

import httpx

from careof._network.asked import origin_of
from careof._network.call import Call
from careof._network.circuit import Circuit
from careof._network.limits import Limits, RetryPolicy
from careof._network.network import AsyncNetwork, Network
from careof._network.policy import NetworkPolicy
from careof._network.tls import verifies
from careof._resolving.events import events_of
from careof._resolving.lookup import Lookup
from careof._resolving.selector import ContactSelector
from careof._resolving.template import RequestTemplate
from careof._values.clock import SYSTEM_CLOCK, Clock, is_clock
from careof._values.contact import Contact
from careof._values.event import Event, is_hook, tell
from careof._values.unwrap import unwrap
from careof.auth import NoAuth
from careof.auth._strategy import bound_elsewhere
from careof.errors import CareofError, ConfigurationError

Transport = TypeVar("Transport", bound=httpx.BaseTransport | httpx.AsyncBaseTransport)


class Configured(Generic[Transport]):
    """
    What both resolvers are made of.
    """

    _transport_type: ClassVar[type]
    _network_type: ClassVar[type[Network | AsyncNetwork]]
    _request_type: ClassVar[type] = RequestTemplate
    _network: Any

    # What the repr shows of an object that is half built, in the traceback of
    # its own constructor.
    _name: str = "?"
    _auth: httpx.Auth = NoAuth()

    def __init__(
        self,
        request: RequestTemplate,
        contact: ContactSelector,
        *,
        auth: httpx.Auth | None = None,
        limits: Limits | None = None,
        retry: RetryPolicy | None = None,
        network: NetworkPolicy | None = None,
        ssl_context: ssl.SSLContext | None = None,
        name: str | None = None,
        on_event: Callable[[Event], object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
        transport: Transport | None = None,
    ) -> None:
        kind = type(self).__name__
        for parameter, value, expected, words in (
            ("request", request, self._request_type, f"a {self._request_type.__name__}"),
            ("contact", contact, ContactSelector, "a ContactSelector"),
            ("auth", auth, httpx.Auth | None, "a strategy of careof.auth or an httpx.Auth"),
            ("limits", limits, Limits | None, "a Limits"),
            ("retry", retry, RetryPolicy | None, "a RetryPolicy, such as RetryPolicy.never()"),
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
        if not is_hook(on_event):
            raise ConfigurationError(
                f"{kind}: on_event: expected an object to call, no class, and nothing async."
            )
        if name is not None and not (name and name.isprintable()):
            raise ConfigurationError(f"{kind}: name: expected visible characters, or None.")
        if not is_clock(clock):
            raise ConfigurationError(f"{kind}: clock: expected monotonic() and time().")
        self._limits = Limits() if limits is None else limits
        policy = NetworkPolicy() if network is None else network
        policy.check_url(request.origin)
        self._auth = NoAuth() if auth is None else auth
        unwrap(bound_elsewhere(self._auth, origin_of(request.origin)))
        self._lookup = self._lookup_of(request, contact)
        self._selector = contact
        self._name = request.origin.host if name is None else name
        self._network = self._network_type(
            policy=policy,
            limits=self._limits,
            ssl_context=ssl_context,
            clock=clock,
            transport=transport,
            reuse=self._lookup.may_reuse,
        )
        self._retry = RetryPolicy() if retry is None else retry
        self._circuit = Circuit(clock)
        self._host = request.origin.host
        self._on_event = on_event

    def _lookup_of(self, request: RequestTemplate, contact: ContactSelector) -> Lookup:
        return Lookup(request, contact, self._limits)

    def _call(self) -> Call:
        call: Call = self._network.call(
            self._limits.deadline, may_reuse=True, is_watched=self._on_event is not None
        )
        return call

    def _tell(self, call: Call, *outcomes: Contact | CareofError) -> None:
        if self._on_event is not None:
            for event in events_of(call, *outcomes, endpoint=self._name, host=self._host):
                tell(self._on_event, event)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name!r}, auth={type(self._auth).__name__})"
