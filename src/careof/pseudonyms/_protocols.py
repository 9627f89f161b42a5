"""
Whatever makes pseudonyms of phone numbers.  A host may write its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from careof._values.phone_numbers import PhoneNumber


class Pseudonymizer(Protocol):
    """
    Phone numbers in, pseudonyms out: one number has one pseudonym.
    """

    def pseudonymize(self, phone: str | PhoneNumber, /) -> str:
        """
        The pseudonym of *phone*.

        Raises:
            PhoneNumberError: It is no phone number.
        """
        ...

    def pseudonymize_many(self, phones: Iterable[str | PhoneNumber], /) -> list[str]:
        """
        The pseudonyms of *phones*, in their order.

        Raises:
            PhoneNumberError: One is no phone number; the message says which.
        """
        ...

    def pseudonymize_iter(self, phones: Iterable[str | PhoneNumber], /) -> Iterator[str]:
        """
        The pseudonyms of *phones*, in their order and in bounded memory.

        Raises:
            PhoneNumberError: One is no phone number; the message says which.
        """
        ...

    def candidates(self, phone: str | PhoneNumber, /) -> list[str]:
        """
        The pseudonyms of *phone* under each key, that of the primary one first.

        Raises:
            PhoneNumberError: It is no phone number.
        """
        ...

    def matches(self, phone: str | PhoneNumber, pseudonym: str, /) -> bool:
        """
        Whether *pseudonym* stands for *phone*.

        Raises:
            PhoneNumberError: It is no phone number.
        """
        ...


class ReversiblePseudonymizer(Pseudonymizer, Protocol):
    """
    A pseudonymizer whose keys lead back from a pseudonym to the number.
    """

    def reidentify(self, pseudonym: str, /) -> PhoneNumber:
        """
        The phone number behind *pseudonym*.

        Raises:
            PseudonymError: These keys did not make it.
        """
        ...

    def reidentify_many(self, pseudonyms: Iterable[str], /) -> list[PhoneNumber]:
        """
        The phone numbers behind *pseudonyms*, in their order.

        Raises:
            PseudonymError: These keys did not make one; the message says which.
        """
        ...
