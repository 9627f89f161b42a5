"""
What both batch resolvers are made of, checked when they are built.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

import httpx

from careof._network.limits import Limits, RetryPolicy, seconds
from careof._network.policy import NetworkPolicy
from careof._reading.paths import Path
from careof._resolving.batch_lookup import BatchLookup
from careof._resolving.batch_template import BatchRequestTemplate
from careof._resolving.batching import Collector
from careof._resolving.configured import Configured
from careof._resolving.reaching import Transport
from careof._resolving.selector import ContactSelector
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.event import Event
from careof.errors import ConfigurationError

_EACH = 4096  # bytes of an answer that one person of a batch may take


def usual_body(request: BatchRequestTemplate) -> int:
    """
    How many bytes an answer may have where nothing is said about that.
    """
    return max(Limits().max_body, request.size * _EACH)


class BatchConfigured(Configured[Transport]):
    """
    What both batch resolvers are made of.
    """

    _request_type = BatchRequestTemplate
    _lookup: BatchLookup

    def __init__(
        self,
        request: BatchRequestTemplate,
        contact: ContactSelector,
        *,
        items: str = "$",
        wait: float = 0.01,
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
        self._items = None if items == "$" else Path(items, parameter=f"{kind}: items")
        if limits is None and isinstance(request, BatchRequestTemplate):
            limits = Limits(max_body=usual_body(request))
        super().__init__(
            request,  # type: ignore[arg-type]  # _request_type says what it has to be
            contact,
            auth=auth,
            limits=limits,
            retry=retry,
            network=network,
            ssl_context=ssl_context,
            name=name,
            on_event=on_event,
            clock=clock,
            transport=transport,
        )
        if not 0 < seconds(wait) < self._limits.deadline:
            raise ConfigurationError(
                f"{kind}: wait: expected seconds above 0 and below the deadline of limits=."
            )
        self._collector = Collector(request, clock, seconds(wait))

    def _lookup_of(self, request: object, contact: ContactSelector) -> BatchLookup:
        template: BatchRequestTemplate = request  # type: ignore[assignment]  # as above
        return BatchLookup(template, contact, self._limits, self._items)
