"""
A clock that nobody waits for, and coroutines on it.

The library's own code sleeps by ``anyio.sleep``, and here that is ``sleep``: it hands
the pause to whoever drives the coroutine, which goes on when the clock is there.
"""

from __future__ import annotations

import heapq
import itertools
import math
import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any


@types.coroutine
def sleep(seconds: float) -> Generator[float, None, None]:
    """
    As ``anyio.sleep``, by the clock of the simulation.
    """
    yield seconds


class Simulation:
    """
    A clock (``careof``'s ``Clock``), and what is due on it.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._due: list[tuple[float, int, Callable[[Any], None], Any]] = []
        self._number = itertools.count()  # what is due at once goes in its order

    def monotonic(self) -> float:
        """
        Seconds since the beginning.
        """
        return self._now

    def time(self) -> float:
        """
        The same: here nobody turns the wall clock.
        """
        return self._now

    def call(self, after: float, function: Callable[[Any], None], argument: Any) -> None:
        """
        Call *function* with *argument* in so many seconds.
        """
        due = (self._now + after, next(self._number), function, argument)
        heapq.heappush(self._due, due)

    def go(self, coroutine: Coroutine[float, None, None]) -> None:
        """
        Let *coroutine* go on until its next sleep.
        """
        try:
            pause = coroutine.send(None)
        except StopIteration:
            return
        self.call(pause, self.go, coroutine)

    def run(self, until: float) -> None:
        """
        Let the time pass.
        """
        while self._due and self._due[0][0] <= until:
            self._now, _, function, argument = heapq.heappop(self._due)
            function(argument)
        if until < math.inf:
            self._now = until
