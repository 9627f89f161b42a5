"""
One survey to one reference: resolve, fill, hand over, forget.
"""

from __future__ import annotations

import inspect
from typing import ClassVar, Generic, TypeVar

from careof._resolving.protocols import AsyncResolver, Resolver
from careof._sending.delivery import Delivery, failed_lookup, failed_sending
from careof._sending.senders import AsyncSurveySender, SurveySender
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.contact import Recipient
from careof._values.invitation import Invitation
from careof._values.receipt import Receipt
from careof._values.unwrap import Unseen
from careof.errors import CareofError, ConfigurationError

AnyResolver = TypeVar("AnyResolver")
AnySender = TypeVar("AnySender")


class _Dispatching(Generic[AnyResolver, AnySender]):
    """
    What both dispatchers are made of.
    """

    _definition: ClassVar[str]

    def __init__(
        self, resolver: AnyResolver, sender: AnySender, *, clock: Clock = SYSTEM_CLOCK
    ) -> None:
        # First what the repr shows: a traceback with locals prints half-built objects.
        self._resolver = resolver
        self._sender = sender
        self._clock = clock
        for parameter, part, method_name in (
            ("resolver", resolver, "resolve"),
            ("sender", sender, "send"),
        ):
            method = getattr(part, method_name, None)
            definition = "async def" if inspect.iscoroutinefunction(method) else "def"
            if not callable(method) or definition != self._definition:
                # Mixed up, a message would be sent that nobody waits for, or not
                # be sent and reported as if it were.
                raise ConfigurationError(
                    f"{type(self).__name__}: {parameter}: expected an object with "
                    f"`{self._definition} {method_name}`."
                )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._resolver!r}, {self._sender!r})"


class Dispatcher(_Dispatching[Resolver, SurveySender]):
    """
    Sends a survey to a person whose address the host does not hold, blocking.

    Every reference comes out as one receipt, whatever the resolver or the
    sender raises.  After the sender was called nothing is sent again by itself.

    Args:
        resolver: Who knows the contact.
        sender: Who carries the message.
    """

    _definition = "def"

    def send(self, recipient: str | Recipient, invitation: Invitation) -> Receipt:
        """
        Send *invitation* to the person behind *recipient*, and say what became of it.

        Args:
            recipient: A reference id, or a ``Recipient`` with variables.
        """
        delivery = Delivery(recipient, invitation, self._clock)
        with Unseen():
            outcome = self._deliver(delivery)
        return delivery.receipt(outcome)

    def _deliver(self, delivery: Delivery) -> str | CareofError | None:
        refused = delivery.refusal()
        if refused is not None:
            return refused
        try:
            contact = self._resolver.resolve(delivery.reference_id)
        except Exception as error:
            return failed_lookup(error)
        message = delivery.message(contact)
        if isinstance(message, CareofError):
            return message
        try:
            message_id = self._sender.send(contact, message)
        except Exception as error:
            return failed_sending(error)
        return delivery.message_id(contact, message_id)


class AsyncDispatcher(_Dispatching[AsyncResolver, AsyncSurveySender]):
    """
    Sends a survey to a person whose address the host does not hold, asynchronously.

    As ``Dispatcher``, for asyncio and Trio.  A cancelled send raises the
    cancellation: whether its message was handed over is then not known.
    """

    _definition = "async def"

    async def send(self, recipient: str | Recipient, invitation: Invitation) -> Receipt:
        """
        Send *invitation* to the person behind *recipient*, and say what became of it.

        Args:
            recipient: A reference id, or a ``Recipient`` with variables.
        """
        delivery = Delivery(recipient, invitation, self._clock)
        with Unseen():
            outcome = await self._deliver(delivery)
        return delivery.receipt(outcome)

    async def _deliver(self, delivery: Delivery) -> str | CareofError | None:
        refused = delivery.refusal()
        if refused is not None:
            return refused
        try:
            contact = await self._resolver.resolve(delivery.reference_id)
        except Exception as error:
            return failed_lookup(error)
        message = delivery.message(contact)
        if isinstance(message, CareofError):
            return message
        try:
            message_id = await self._sender.send(contact, message)
        except Exception as error:
            return failed_sending(error)
        return delivery.message_id(contact, message_id)
