"""
Which refresh token came after which.

Theory of operation: a server that rotates refresh tokens gives a new one with
each answer, and one that sees a spent one again takes it for stolen and revokes
them all (RFC 9700 §4.14.2).  The host may still hold the old one: in a strategy
that it built long ago, or in a row that it has read and not yet written.  So
each spent token leads to the next for the life of the process, and whoever
comes with any of them goes on with the newest.  The way is found by keyed
digests, and shortened each time that it is walked.  What is not used goes
first when there are too many.  While one is being sent, whoever would send it
as well waits for its turn: the same one may be wanted for two keys, as after
``invalidate``, or by a flight that was given up and one that took its place.
"""

from __future__ import annotations

import contextlib
import hmac
import math
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any
from weakref import WeakValueDictionary

from careof._values.forks import begin_anew_after_fork
from careof._values.secret import Secret

_PROCESS_KEY = os.urandom(32)
LAPSES = 60.0  # seconds; what a token request may take at most is a small part of that


class Successors:
    """
    Spent refresh tokens to those that replaced them, for any number of threads.

    Args:
        limit: How many spent ones are known at most.
    """

    def __init__(self, *, limit: int = 16_384) -> None:
        self._limit = limit
        self._next: OrderedDict[bytes, Secret] = OrderedDict()
        # Those that the host has not been told, or not with success.
        self._untold: OrderedDict[bytes, None] = OrderedDict()
        # Of those that are being sent; each lasts as long as somebody holds it.
        self._turns: WeakValueDictionary[bytes, _Turn] = WeakValueDictionary()
        # Those that a server has taken and not replaced.
        self._lasting: OrderedDict[bytes, None] = OrderedDict()
        self._lock = threading.Lock()

    def newest(self, token: Secret, client: tuple[str, str]) -> Secret:
        """
        The token to use in place of *token*; while none came after it, itself.

        Args:
            client: The token URL and the client id that it belongs to.
        """
        text = token.reveal()
        # One from a source is read once, and may be another by the next reading.
        newest = token if token._is_fixed else Secret(text)
        begin_anew_after_fork(self)
        passed = []
        with self._lock:
            place = _digest(text, client)
            while place in self._next:
                passed.append(place)
                newest = self._next[place]
                place = _digest(newest.reveal(), client)
            for place in passed:
                self._next[place] = newest
                self._next.move_to_end(place)
        return newest

    def follows(self, token: Secret, spent: Secret, client: tuple[str, str]) -> None:
        """
        Remember that *token* came in place of *spent*.
        """
        begin_anew_after_fork(self)
        with self._lock:
            place = _digest(spent.reveal(), client)
            self._next[place] = token
            self._next.move_to_end(place)
            # Where a server gives an earlier one again, the way must have an end.
            self._next.pop(_digest(token.reveal(), client), None)
            self._untold.pop(place, None)
            _shorten(self._next, self._limit)

    def is_untold(self, token: Secret, client: tuple[str, str]) -> bool:
        """
        Whether the host should have been told of *token*, and that failed.
        """
        return _digest(token.reveal(), client) in self._untold

    def note(self, token: Secret, client: tuple[str, str], *, is_told: bool) -> None:
        """
        Remember whether the host was told of *token*.
        """
        begin_anew_after_fork(self)
        with self._lock:
            if is_told:
                self._untold.pop(_digest(token.reveal(), client), None)
            else:
                self._untold[_digest(token.reveal(), client)] = None
                _shorten(self._untold, self._limit)

    def lasts(self, token: Secret, client: tuple[str, str]) -> None:
        """
        Remember that the server has taken *token* and not replaced it.
        """
        begin_anew_after_fork(self)
        with self._lock:
            self._lasting[_digest(token.reveal(), client)] = None
            _shorten(self._lasting, self._limit)

    @contextlib.contextmanager
    def turn(self, token: Secret, client: tuple[str, str], *, seconds: float) -> Iterator[bool]:
        """
        Wait until nobody else sends *token*, and let nobody else meanwhile.

        One that the server does not replace is for all at once.  Whoever has had
        it for longer than ``LAPSES`` has it no more: a transport that hangs
        must not hold a tenant.

        Args:
            seconds: How long to wait at most.

        Returns:
            Whether it is this one's turn; if not, *token* must not be sent.
        """
        begin_anew_after_fork(self)
        place = _digest(token.reveal(), client)
        with self._lock:
            turn = self._turns.get(place)
            if turn is None or turn.has_lapsed():
                turn = self._turns[place] = _Turn()
        with turn.taken(seconds, for_all=lambda: place in self._lasting) as is_ours:
            yield is_ours

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()
        self._turns = WeakValueDictionary()

    def __repr__(self) -> str:
        return f"Successors({len(self._next)} spent)"


class _Turn:
    """
    Whose turn it is to send one refresh token.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since = math.inf

    def has_lapsed(self) -> bool:
        return time.monotonic() - self._since > LAPSES

    @contextlib.contextmanager
    def taken(self, seconds: float, *, for_all: Callable[[], bool]) -> Iterator[bool]:
        is_ours = not for_all() and self._lock.acquire(timeout=min(seconds, threading.TIMEOUT_MAX))
        if is_ours:
            self._since = time.monotonic()
        try:
            if is_ours and for_all():  # as whoever had it before has seen
                self._give_back()
                is_ours = False
            yield is_ours or for_all()
        finally:
            if is_ours:
                self._give_back()

    def _give_back(self) -> None:
        self._since = math.inf
        self._lock.release()


def _shorten(items: OrderedDict[bytes, Any], limit: int) -> None:
    while len(items) > limit:
        items.popitem(last=False)


def _digest(text: str, client: tuple[str, str]) -> bytes:
    flat = b"".join(
        len(part).to_bytes(8, "big") + part for part in (each.encode() for each in (text, *client))
    )
    return hmac.digest(_PROCESS_KEY, flat, "sha256")
