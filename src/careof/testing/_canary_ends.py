"""
What the leak check gives to the host's code: people, and the two ends of the path.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from careof._values.contact import Contact
from careof._values.invitation import Message
from careof.testing._canaries import CanaryPerson


class Canaries:
    """
    What the leak check gives to the host's code: people, and the two ends of the path.

    Attributes:
        people: The canaries.
        references: Their reference ids.
        endpoint: The ``transport=`` of the host's resolver; it knows them.
        sender: A sender that keeps nothing; it only sees who reaches it.
        async_sender: Its twin, for asyncio and Trio.
        arrivals: Who has reached one of the two.
    """

    def __init__(self, people: Iterable[CanaryPerson], endpoint: Any) -> None:
        self.people: tuple[CanaryPerson, ...] = tuple(people)
        self.references: tuple[str, ...] = tuple(each.reference_id for each in self.people)
        self.endpoint: Any = endpoint
        self.arrivals: Arrivals = Arrivals(self.people)
        self.sender: CanarySender = CanarySender(self.arrivals)
        self.async_sender: AsyncCanarySender = AsyncCanarySender(self.arrivals)

    def __repr__(self) -> str:
        return f"Canaries({len(self.people)} people)"


class Arrivals:
    """
    Who reached a sender, by reference.
    """

    def __init__(self, people: Iterable[CanaryPerson]) -> None:
        self.people: dict[str, CanaryPerson] = {person.reference_id: person for person in people}
        self.reached: set[str] = set()
        self.mistaken: set[str] = set()

    def note(self, contact: Contact) -> str:
        """
        An id for the message, when it is remembered whose *contact* it is.
        """
        person = self.people.get(contact.reference_id)
        if person is not None:  # the host may send to others as well
            (self.reached if _is(person, contact) else self.mistaken).add(person.reference_id)
        return f"canary-{len(self.reached)}"

    def __str__(self) -> str:
        return f"{len(self.reached)} of {len(self.people)} reached"


class CanarySender:
    """
    A ``SurveySender`` that keeps nothing but the references of those who reach it.
    """

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    def send(self, contact: Contact, _message: Message) -> str:
        """
        Note whose contact it is.
        """
        return self._arrivals.note(contact)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._arrivals})"


class AsyncCanarySender:
    """
    As ``CanarySender``, for asyncio and Trio.
    """

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def send(self, contact: Contact, _message: Message) -> str:
        """
        Note whose contact it is.
        """
        return self._arrivals.note(contact)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._arrivals})"


def _is(person: CanaryPerson, contact: Contact) -> bool:
    """
    Whether nothing in *contact* is anybody's but that *person*'s.
    """
    email, phone = contact.email, contact.phone
    is_email = email is None or email.reveal().casefold() == person.email.casefold()
    return is_email and (phone is None or phone.reveal() == person.phone)
