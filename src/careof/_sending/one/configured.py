"""
What both dispatchers are made of, checked when they are built.
"""

from __future__ import annotations

import copy
import inspect
import math
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ClassVar, Generic, Self, TypeVar

from careof._network.limits import seconds
from careof._sending.fingerprints import Fingerprinter
from careof._sending.one.addresses_had import Addresses
from careof._sending.one.delivery import Delivery
from careof._sending.one.ends import Otherwise
from careof._sending.one.run import Run
from careof._sending.rates import RateLimit
from careof._values.clock import SYSTEM_CLOCK, Clock, is_clock
from careof._values.contact import Recipient
from careof._values.event import is_hook, tell
from careof._values.invitation import Invitation
from careof._values.receipt import Receipt
from careof.errors import ConfigurationError

AnyResolver = TypeVar("AnyResolver")
AnySender = TypeVar("AnySender")
AnyLedger = TypeVar("AnyLedger")
AnyList = TypeVar("AnyList")

MOST = 10_000  # under way at once: more are a mistake, and a thread each


class Dispatching(Generic[AnyResolver, AnySender, AnyLedger, AnyList]):
    """
    What both dispatchers are made of.
    """

    _definition: ClassVar[str]
    _iterable: ClassVar[tuple[str, ...]]

    def __init__(
        self,
        resolver: AnyResolver,
        sender: AnySender,
        *,
        suppression: AnyList | None = None,
        ledger: AnyLedger | None = None,
        fingerprints: Fingerprinter | None = None,
        once_per_address: bool = False,
        endpoint_rate: RateLimit | None = None,
        sender_rate: RateLimit | None = None,
        on_event: Callable[[Receipt], object] | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        # First what the repr shows: a traceback with locals prints half-built objects.
        self._resolver = resolver
        self._sender = sender
        self._suppression = suppression
        self._ledger = ledger
        self._fingerprints = fingerprints
        self._once_per_address = once_per_address
        self._endpoint_rate = endpoint_rate
        self._sender_rate = sender_rate
        self._on_event = on_event
        self._clock = clock
        self._check_parts()
        for parameter, value, expected, words in (
            ("fingerprints", fingerprints, Fingerprinter | None, "a Fingerprinter, or None"),
            ("once_per_address", once_per_address, bool, "True or False"),
            ("endpoint_rate", endpoint_rate, RateLimit | None, "a RateLimit, or None"),
            ("sender_rate", sender_rate, RateLimit | None, "a RateLimit, or None"),
        ):
            if not isinstance(value, expected):
                raise self._wrong(parameter, f"expected {words}")
        if suppression is not None and fingerprints is None:
            raise self._wrong(
                "suppression",
                "it needs fingerprints= as well, so that a new reference of an address that "
                "is on the list stays suppressed",
            )
        if not is_hook(on_event):
            raise self._wrong(
                "on_event", "expected an object to call, no class, and nothing async"
            )
        if not is_clock(clock):
            raise self._wrong("clock", "expected monotonic() and time()")

    def _check_parts(self) -> None:
        for parameter, part, method_name in (
            ("resolver", self._resolver, "resolve"),
            ("sender", self._sender, "send"),
            ("ledger", self._ledger, "claim"),
            ("ledger", self._ledger, "settle"),
            ("suppression", self._suppression, "contains"),
        ):
            if part is None and parameter in ("ledger", "suppression"):
                continue
            method = getattr(part, method_name, None)
            definition = "async def" if inspect.iscoroutinefunction(method) else "def"
            if not callable(method) or definition != self._definition:
                # Mixed up, a message would be sent that nobody waits for, or not
                # be sent and reported as if it were.
                raise self._wrong(
                    parameter, f"expected an object with `{self._definition} {method_name}`"
                )

    def _with_ledger(self, ledger: AnyLedger) -> Self:
        """
        The same dispatcher with *ledger*, which it must not have another one beside.
        """
        if self._ledger is not None and self._ledger is not ledger:
            raise self._wrong("ledger", "it has one already; leave it to who sends")
        other = copy.copy(self)
        other._ledger = ledger
        other._check_parts()
        return other

    def _parts(
        self,
    ) -> tuple[
        AnyResolver, AnySender, AnyLedger | None, tuple[AnyList, Fingerprinter] | None, Clock
    ]:
        suppression = None
        if self._suppression is not None and self._fingerprints is not None:
            suppression = (self._suppression, self._fingerprints)
        return self._resolver, self._sender, self._ledger, suppression, self._clock

    def _give_up(self, delivery: Delivery, otherwise: Otherwise) -> None:
        """
        End *delivery* now, if it has not ended; its claim is still to be settled.
        """
        delivery.fate.decide(None, otherwise)
        self._tell(delivery)

    def _tell(self, delivery: Delivery) -> None:
        if delivery.fate.tell(delivery.conclude):
            tell(self._on_event, delivery.receipt)

    def _single(self, recipient: str | Recipient, invitation: Invitation) -> Delivery:
        self._check_invitation("send", invitation)
        return Delivery(recipient, invitation, self._clock)

    def _run(
        self,
        ids: object,
        invitation: Invitation,
        *,
        concurrency: int,
        rate: float | RateLimit | None,
        ordered: bool,
        patience: float | timedelta,
    ) -> tuple[Run, float]:
        """
        What the deliveries of a batch share, and its patience in seconds.
        """
        self._check_invitation("send_many", invitation)
        if isinstance(ids, str | bytes | Recipient):
            raise self._wrong("send_many: ids", "expected many references, got one")
        if not any(hasattr(ids, name) for name in self._iterable):
            raise self._wrong("send_many: ids", "expected something to iterate over")
        is_number = isinstance(concurrency, int) and not isinstance(concurrency, bool)
        if not is_number or not 1 <= concurrency <= MOST:
            raise self._wrong("send_many: concurrency", f"expected a number from 1 to {MOST:,}")
        if not isinstance(ordered, bool):
            raise self._wrong("send_many: ordered", "expected True or False")
        limit = seconds(patience)
        if not 0 < limit < math.inf:
            raise self._wrong("send_many: patience", "expected seconds above 0")
        if rate is not None and not isinstance(rate, RateLimit):
            rate = RateLimit(rate)  # on the machine's clock: the wait is real
        addresses = Addresses() if self._once_per_address else None
        return Run(rate=rate, addresses=addresses), limit

    def _maker(self, invitation: Invitation, run: Run) -> Callable[[Any, int], Delivery]:
        def delivery(recipient: Any, number: int) -> Delivery:
            return Delivery(recipient, invitation, self._clock, run, number)

        return delivery

    def _check_invitation(self, method: str, invitation: object) -> None:
        if not isinstance(invitation, Invitation):
            raise self._wrong(f"{method}: invitation", "expected an Invitation")

    def _wrong(self, parameter: str, expected: str) -> ConfigurationError:
        return ConfigurationError(f"{type(self).__name__}: {parameter}: {expected}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._resolver!r}, {self._sender!r})"
