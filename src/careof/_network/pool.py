"""
Connections that are kept open between two lookups, for endpoints with an echo.

Theory of operation: a stack for each origin, last in, first out, so that a
connection is found at once however many there are, and those too many grow old
at the bottom.  Only a connection whose last answer was confirmed by its echo
comes here, and it is taken only if nothing has come over it since.  It is bound
to no event loop, but to its process: two that share a socket would read each
other's answers.
"""

from __future__ import annotations

import contextlib
import os
import weakref
from collections import deque

from careof._network.asked import Origin
from careof._network.connection import Connection
from careof._values.clock import Clock

_Idle = tuple[int, float, Connection]  # its process, since when it is idle

# A firewall between us forgets, without a word, what is silent for minutes.
LONGEST_IDLE = 30.0  # seconds
# A name may stand for another address by now, and a certificate may have ended.
LONGEST_LIFE = 300.0  # seconds
MOST_IDLE = 128  # connections of one origin


class Pool:
    """
    The idle connections of one resolver.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._idle: dict[Origin, deque[_Idle]] = {}
        # For a resolver that is dropped without close(), and at exit.
        weakref.finalize(self, _close_all, self._idle)

    def take(self, origin: Origin) -> Connection | None:
        """
        A quiet connection to *origin*, or None.
        """
        stack = self._idle.get(origin)
        now = self._clock.monotonic()
        # One operation each on the stack, so that threads need no lock.
        while stack:
            try:
                process, since, connection = stack.pop()
            except IndexError:  # another thread was quicker
                break
            is_young = now - since < LONGEST_IDLE and now - connection.opened < LONGEST_LIFE
            if is_young and process == os.getpid() and connection.is_quiet():
                return connection
            connection.close()
        return None

    def put(self, origin: Origin, connection: Connection) -> None:
        """
        Keep *connection*, whose last answer is confirmed, for the next lookup.
        """
        now = self._clock.monotonic()
        stack = self._idle.setdefault(origin, deque())
        stack.append((os.getpid(), now, connection))
        try:
            while len(stack) > MOST_IDLE or now - stack[0][1] >= LONGEST_IDLE:
                stack.popleft()[2].close()
        except IndexError:  # another thread was quicker
            return

    def drop(self, origin: Origin) -> None:
        """
        Close what is idle for *origin*.
        """
        _close_all({origin: self._idle.pop(origin, deque())})

    def close(self) -> None:
        """
        Close what is idle.
        """
        _close_all(self._idle)


def _close_all(idle: dict[Origin, deque[_Idle]]) -> None:
    for stack in list(idle.values()):
        with contextlib.suppress(IndexError):  # empty, perhaps by another thread
            while True:
                stack.pop()[2].close()
