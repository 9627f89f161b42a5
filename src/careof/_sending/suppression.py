"""
Who does not want to be asked, as the host keeps it.
"""

from __future__ import annotations

from typing import Protocol


class SuppressionList(Protocol):
    """
    Opt-outs, by reference and by the fingerprint of the address.

    By both, because one person may have several references, and a new one after
    the old one is gone.  The list holds no address; ``careof.Fingerprinter``
    makes what stands in it.  Called by many threads.
    """

    def contains(self, fingerprint: str, reference_id: str, channel: str, /) -> bool:
        """
        Whether nothing may be sent there: one of the two is on the list for *channel*.
        """
        ...


class AsyncSuppressionList(Protocol):
    """
    As ``SuppressionList``, for asyncio and Trio.
    """

    async def contains(self, fingerprint: str, reference_id: str, channel: str, /) -> bool:
        """
        Whether nothing may be sent there: one of the two is on the list for *channel*.
        """
        ...
