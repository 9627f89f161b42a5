"""
Whoever can say who a reference is.  A host may write its own.
"""

from __future__ import annotations

from typing import Protocol

from careof._values.contact import Contact


class Resolver(Protocol):
    """
    Whoever knows the contact behind a reference.  A host may write its own.
    """

    def resolve(self, reference_id: str, /) -> Contact:
        """
        The contact behind *reference_id*.

        Raises:
            CareofError: There is none, or it cannot be had.
        """
        ...


class AsyncResolver(Protocol):
    """
    As ``Resolver``, for asyncio and Trio.
    """

    async def resolve(self, reference_id: str, /) -> Contact:
        """
        The contact behind *reference_id*.

        Raises:
            CareofError: There is none, or it cannot be had.
        """
        ...
