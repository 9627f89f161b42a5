"""
One channel of settings: what is built of it, once, when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypedDict, Unpack

from careof._resolving.batch_resolver import AsyncBatchHttpResolver, BatchHttpResolver
from careof._resolving.resolver import AsyncHttpResolver, HttpResolver
from careof._sending.dispatcher import AsyncDispatcher, Dispatcher
from careof._sending.email.smtp import AsyncSmtpSender, SmtpSender
from careof._sending.fingerprints import Fingerprinter
from careof._sending.ledger import AsyncLedger, Ledger
from careof._sending.rates import RateLimit
from careof._sending.senders import AsyncSurveySender, SurveySender
from careof._sending.sms.gateway import AsyncHttpGatewaySender, HttpGatewaySender
from careof._sending.suppression import AsyncSuppressionList, SuppressionList
from careof._values.clock import Clock
from careof._values.receipt import Receipt
from careof._values.sealed import Unpicklable
from careof._values.unwrap import unwrap
from careof.errors import ConfigurationError
from careof.settings._building import Make


class CommonParts(TypedDict, total=False):
    """
    What both dispatchers take beside resolver, sender and storage.
    """

    fingerprints: Fingerprinter | None
    once_per_address: bool
    endpoint_rate: RateLimit | None
    sender_rate: RateLimit | None
    on_event: Callable[[Receipt], object] | None
    clock: Clock


class DispatcherParts(CommonParts, total=False):
    """
    What ``Dispatcher`` takes, and settings do not have.
    """

    suppression: SuppressionList | None
    ledger: Ledger | None


class AsyncDispatcherParts(CommonParts, total=False):
    """
    What ``AsyncDispatcher`` takes, and settings do not have.
    """

    suppression: AsyncSuppressionList | None
    ledger: AsyncLedger | None


class ChannelSettings(Unpicklable):
    """
    One channel: its resolver and its sender, blocking and async.

    Each is built once, when it is first asked for, and may be shared as its
    class says.  It opens nothing before it is used.
    """

    __slots__ = ("_built", "_clock", "_makers", "_schemes", "name")
    _instead = "Load the settings where they are needed, such as from what dump() gives."

    def __init__(
        self,
        name: str,
        makers: Mapping[str, Make],
        *,
        clock: Clock | None,
        schemes: tuple[str, ...],
    ) -> None:
        self.name: str = name
        self._makers = makers
        self._clock = clock
        self._schemes = schemes
        self._built: dict[str, Any] = {}

    @property
    def resolver(self) -> HttpResolver | BatchHttpResolver:
        """
        What asks the contact endpoint, blocking.
        """
        resolver: HttpResolver = self._part("resolver")
        return resolver

    @property
    def async_resolver(self) -> AsyncHttpResolver | AsyncBatchHttpResolver:
        """
        What asks the contact endpoint, for asyncio and Trio.
        """
        resolver: AsyncHttpResolver = self._part("async_resolver")
        return resolver

    @property
    def sender(self) -> SmtpSender | HttpGatewaySender | None:
        """
        Who carries the messages, blocking; None without a table ``sender``.
        """
        sender: SmtpSender | HttpGatewaySender | None = self._part("sender")
        return sender

    @property
    def async_sender(self) -> AsyncSmtpSender | AsyncHttpGatewaySender | None:
        """
        Who carries the messages, for asyncio and Trio; None without a table ``sender``.
        """
        sender: AsyncSmtpSender | AsyncHttpGatewaySender | None = self._part("async_sender")
        return sender

    def dispatcher(
        self, *, sender: SurveySender | None = None, **parts: Unpack[DispatcherParts]
    ) -> Dispatcher:
        """
        A new dispatcher over the resolver and the sender.

        Args:
            sender: Another sender than that of the settings.
            parts: What only the host has: *ledger*, *suppression*, *fingerprints*,
                *on_event* and the others of ``Dispatcher``.

        Raises:
            ConfigurationError: There is no sender, or an argument cannot work.
        """
        carrier = self._carrier(self.sender if sender is None else sender)
        return Dispatcher(self.resolver, carrier, **self._timed(parts))

    def async_dispatcher(
        self, *, sender: AsyncSurveySender | None = None, **parts: Unpack[AsyncDispatcherParts]
    ) -> AsyncDispatcher:
        """
        As ``dispatcher``, for asyncio and Trio.
        """
        carrier = self._carrier(self.async_sender if sender is None else sender)
        return AsyncDispatcher(self.async_resolver, carrier, **self._timed(parts))

    def _carrier(self, sender: Any) -> Any:
        if sender is None:
            raise ConfigurationError(
                f"{self.name}.sender: is missing; write it, or give dispatcher(sender=)."
            )
        return sender

    def _timed(self, parts: Any) -> Any:
        return parts if self._clock is None else {"clock": self._clock, **parts}

    def _part(self, name: str) -> Any:
        if name not in self._makers:
            return None
        if name not in self._built:
            # Two threads may both build one; only the first is ever used.
            self._built.setdefault(name, unwrap(self._makers[name]()))
        return self._built[name]

    def __repr__(self) -> str:
        return f"<ChannelSettings {', '.join((self.name, *self._schemes))}>"
