"""
Whoever carries a message to a person.  A host may write its own.
"""

from __future__ import annotations

from typing import Protocol

from careof._values.contact import Contact
from careof._values.invitation import Message


class SurveySender(Protocol):
    """
    Sends one message to one person.
    """

    def send(self, contact: Contact, message: Message, /) -> str | None:
        """
        Hand *message* over, and return the provider's id of it, if there is one.

        Whatever else is raised than these means that nobody knows: ``uncertain``.

        Raises:
            SendRejectedError: It will never be accepted.
            SendUnavailableError: Nothing was accepted; try later.
            RateLimitedError: The same, and the provider wants fewer.
            SuppressedError: The provider knows that this person wants none.
            DestinationRefusedError: A policy does not let it go there; nothing
                was accepted.
        """
        ...


class AsyncSurveySender(Protocol):
    """
    As ``SurveySender``, for asyncio and Trio.
    """

    async def send(self, contact: Contact, message: Message, /) -> str | None:
        """
        Hand *message* over, and return the provider's id of it, if there is one.

        Whatever else is raised than these means that nobody knows: ``uncertain``.

        Raises:
            SendRejectedError: It will never be accepted.
            SendUnavailableError: Nothing was accepted; try later.
            RateLimitedError: The same, and the provider wants fewer.
            SuppressedError: The provider knows that this person wants none.
            DestinationRefusedError: A policy does not let it go there; nothing
                was accepted.
        """
        ...
