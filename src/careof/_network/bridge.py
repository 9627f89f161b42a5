"""
From a thread back to the event loop, for transports that only a loop can run.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx

from careof._network.call import call_of
from careof._network.failures import too_late
from careof._network.unread import Answer
from careof._values.unwrap import unwrap


class ThroughTheLoop(httpx.BaseTransport):
    """
    An async-only transport, such as ``httpx.ASGITransport``, called from a thread.

    Args:
        send: Sends a request, on the loop that runs while this is built.
    """

    def __init__(self, send: Callable[[httpx.Request], Awaitable[Answer]]) -> None:
        from anyio.lowlevel import current_token

        self._send = send
        self._loop = current_token()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Ask on the loop, and return the whole answer.

        Raises:
            CareofError: Anything but a complete answer in time.
        """
        from anyio import from_thread

        return unwrap(from_thread.run(self._ask, request, token=self._loop))

    async def _ask(self, request: httpx.Request) -> Answer:
        import anyio

        call = call_of(request)
        outcome: Answer = too_late("status")
        with anyio.move_on_after(call.deadline.left() if call else None):
            outcome = await self._send(request)
        return outcome
