"""
What both resolvers are made of, checked when they are built.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import ClassVar

import httpx

from careof._network.call import Call
from careof._network.circuit import Circuit
from careof._network.limits import Limits, RetryPolicy
from careof._network.policy import NetworkPolicy
from careof._resolving.events import events_of
from careof._resolving.lookup import Lookup
from careof._resolving.reaching import Reaching, Transport
from careof._resolving.selector import ContactSelector
from careof._resolving.template import RequestTemplate
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.contact import Contact
from careof._values.event import Event, is_hook, tell
from careof.errors import CareofError


class Configured(Reaching[Transport]):
    """
    What both resolvers are made of.
    """

    _request_type: ClassVar[type] = RequestTemplate

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
        self._check_parts(
            request,
            ("contact", contact, ContactSelector, "a ContactSelector"),
            ("retry", retry, RetryPolicy | None, "a RetryPolicy, such as RetryPolicy.never()"),
            auth=auth,
            limits=limits,
            network=network,
            ssl_context=ssl_context,
            name=name,
            clock=clock,
            transport=transport,
        )
        if not is_hook(on_event):
            raise self._wrong(
                "on_event", "expected an object to call, no class, and nothing async"
            )
        policy = self._reach(request, auth=auth, limits=limits, network=network, name=name)
        self._lookup = self._lookup_of(request, contact)
        self._selector = contact
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
