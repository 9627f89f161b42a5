"""
From a thread back to the event loop, for transports that only a loop can run.
"""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable

import httpx

from careof._network.call import call_of
from careof._network.loops import RunningLoop
from careof._network.unread import Answer
from careof._values.unwrap import unwrap

# Seconds past its time after which a loop is held to be gone, when nobody waits for
# the answer any more: those who did have long sent somebody else, on another loop.
GRACE = 5.0


class ThroughTheLoop(httpx.BaseTransport):
    """
    An async-only transport, such as ``httpx.ASGITransport``, called from a thread.

    Args:
        send: Sends a request, on the loop that runs while this is built.
        seconds: How long one may take that belongs to no call.
    """

    def __init__(self, send: Callable[[httpx.Request], Awaitable[Answer]], seconds: float) -> None:
        self._send = send
        self._seconds = seconds
        self._loop = RunningLoop()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        Ask on the loop, and return the whole answer.

        Raises:
            CareofError: Anything but a complete answer.
            TimeoutError: None came in time.
        """
        call = call_of(request)
        seconds = self._seconds if call is None else call.deadline.left()
        send = functools.partial(self._send, request)
        return unwrap(self._loop.run(send, seconds, grace=GRACE))
