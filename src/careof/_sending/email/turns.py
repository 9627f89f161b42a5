"""
Turns: no more than a number at a time, for threads and for tasks of any event loop.

Theory of operation: whoever comes while all are out waits in a row, on a future:
a thread blocks on it, a task is woken in its own loop.  A turn that is given
back goes to the first of the row.  Somebody who stops waiting may be given it
at that moment all the same; so giving back is all that one has to do, whether
it came or not.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future

from careof._values.forks import begin_anew_after_fork


class Turn:
    """
    One turn, or the wait for it.

    Attributes:
        wait: Done when it has come, or None if it came at once.
    """

    __slots__ = ("_claim", "wait")

    def __init__(self, wait: Future[None] | None) -> None:
        self.wait = wait
        self._claim = threading.Lock()

    def has_come(self) -> bool:
        """
        Whether it is ours.
        """
        return self.wait is None or self.wait.done()

    def claim(self) -> bool:
        """
        Whether the caller is the first to say so: who begins a turn, or gives it up.
        """
        return self._claim.acquire(blocking=False)


class Turns:
    """
    At most *limit* turns at a time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = self._left = limit
        self._begin_anew()
        begin_anew_after_fork(self)

    def ask(self) -> Turn:
        """
        A turn, now or when one is given back.
        """
        with self._lock:
            if self._left:
                self._left -= 1
                return Turn(None)
            wait: Future[None] = Future()
            self._row.append(wait)
        return Turn(wait)

    def give_back(self, turn: Turn) -> None:
        """
        The *turn* is over, or not waited for any more.
        """
        with self._lock:
            if not self._row:
                self._left = min(self._left + 1, self._limit)  # one may be from before a fork
                return
            if turn.wait is not None and turn.wait in self._row:
                self._row.remove(turn.wait)
                return
            following = self._row.popleft()
        following.set_result(None)

    def _begin_anew(self) -> None:
        # The lock may have been held by a thread that the child does not have.
        self._lock = threading.Lock()
        self._row: deque[Future[None]] = deque()
        self._left = self._limit
