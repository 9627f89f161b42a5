"""
Turns: no more than a number at a time, for threads and for tasks of any event loop.

Theory of operation: whoever asks stands in a row, on a future: a thread blocks
on it, a task is woken in its own loop.  The first of the row has its turn as
soon as fewer than that many are out.  Giving back is all that one has to do,
whether the turn came or not.

Not everybody gives back: a loop is closed under the task that waits, or Ctrl-C
comes between two lines.  So a turn is also over when its time is, which is
longer than anything that may be done with it.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from careof._values.clock import Clock
from careof._values.forks import begin_anew_after_fork


class Turn:
    """
    One turn, or the wait for it.

    Attributes:
        wait: Done when it has come.
    """

    __slots__ = ("_claim", "wait")

    def __init__(self) -> None:
        self.wait: Future[None] = Future()
        self._claim = threading.Lock()

    def has_come(self) -> bool:
        """
        Whether it is ours.
        """
        return self.wait.done()

    def claim(self) -> bool:
        """
        Whether the caller is the first to say so: who begins a turn, or gives it up.
        """
        return self._claim.acquire(blocking=False)


class Turns:
    """
    At most *limit* turns at a time, and none for more than *longest* seconds.
    """

    def __init__(self, limit: int, longest: float, clock: Clock) -> None:
        self._limit = limit
        self._longest = longest
        self._clock = clock
        self._begin_anew()
        begin_anew_after_fork(self)

    def ask(self) -> Turn:
        """
        A turn, now or when one is given back.
        """
        turn = Turn()
        with self._lock:
            self._row.append(turn)
            self._go_on()
        return turn

    def give_back(self, turn: Turn) -> None:
        """
        The *turn* is over, or not waited for any more.
        """
        with self._lock:
            if turn in self._row:
                self._row.remove(turn)
            self._out.pop(turn, None)
            self._go_on()

    def _go_on(self) -> None:
        now = self._clock.monotonic()
        for turn in [turn for turn, over in self._out.items() if over <= now]:
            del self._out[turn]
        while self._row and len(self._out) < self._limit:
            turn = self._row.popleft()
            self._out[turn] = now + self._longest
            turn.wait.set_result(None)

    def _begin_anew(self) -> None:
        # The lock may have been held by a thread that the child does not have.
        self._lock = threading.Lock()
        self._row: deque[Turn] = deque()
        self._out: dict[Turn, float] = {}
