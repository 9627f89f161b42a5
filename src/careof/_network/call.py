"""
What one call carries with it: its deadline, its network and its connection, beside
the note of its steps.

It travels in the extensions of the request, which is where httpx puts what
belongs to a request and is not sent.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import httpx

from careof._network.answers import nothing_was_accepted
from careof._network.asked import Origin, origin_of
from careof._network.connection import Connection
from careof._network.course import Course
from careof._network.limits import Deadline
from careof._network.pool import Pool
from careof._values.clock import Clock

EXTENSION = "careof.call"


class Call(Course):
    """
    The circumstances of one call; a ``with`` block that ends it.

    A connection that stands open is parked here until the answer it brought is
    confirmed.  Only then it goes to the pool; without, it ends with the call.

    Args:
        pool: Where confirmed connections go, and come from; None if every
            answer needs a connection of its own.
        asks_once: Whether what it asks for must not happen twice, so that no
            strategy asks again unless nothing was accepted.

    Attributes:
        deadline: When it must have ended.
        network: Through what it goes, and its token request as well.
        question: The request of the lookup itself.
        is_reused: Whether the last answer came over a connection that may have
            brought another one before.
        is_test: Whether somebody tests the configuration.
        tells_timeouts: Whether its requests carry how much time is left.
        was_handed_over: Whether a byte of what it asks for may have arrived, and
            no answer says that nothing was accepted.
    """

    __slots__ = (
        "_asks_once",
        "_parked",
        "_pool",
        "deadline",
        "is_reused",
        "is_test",
        "network",
        "question",
        "tells_timeouts",
        "was_handed_over",
    )

    def __init__(
        self,
        network: Any,
        deadline: Deadline,
        clock: Clock,
        *,
        pool: Pool | None = None,
        is_watched: bool = True,
        is_test: bool = False,
        asks_once: bool = False,
    ) -> None:
        super().__init__(clock, is_watched=is_watched)
        self.network = network
        self.was_handed_over = False
        self.question: httpx.Request | None = None
        self.deadline = deadline
        self.tells_timeouts: bool = getattr(network, "is_foreign", True)
        self.is_reused = False
        self.is_test = is_test
        self._asks_once = asks_once
        self._pool = pool
        self._parked: tuple[Origin, Connection] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        frames: TracebackType | None,
    ) -> None:
        self.drop()
        self.question = None  # its URL is not for those who look at the call later

    def may_reuse(self, request: httpx.Request) -> bool:
        """
        Whether the connection for *request* may bring more than one answer.

        Only for the lookup itself: what a strategy asks on the way has no echo.
        """
        return self._pool is not None and request is self.question

    def heard(self, answer: httpx.Response) -> None:
        """
        Take in what *answer* says about what was handed over.
        """
        if self._asks_once and (
            nothing_was_accepted(answer.status_code) or not self._asks_for_it(answer.request)
        ):
            self.was_handed_over = False

    def is_over(self) -> bool:
        """
        Whether nothing more may be asked, because it could happen twice.
        """
        return self._asks_once and self.was_handed_over

    def _asks_for_it(self, request: httpx.Request) -> bool:
        # A strategy may send a copy, with a query or headers of its own, or with a
        # signature in its body; a token request has another body and goes elsewhere.
        question = self.question
        return (
            question is None
            or request is question
            or request.read() == question.read()
            or _place_of(request.url) == _place_of(question.url)
        )

    def take(self, origin: Origin, *, kept: bool = True) -> Connection | None:
        """
        A quiet connection to *origin* that stands open, or None.

        Args:
            kept: Whether one from the pool will do.
        """
        parked, self._parked = self._parked, None
        if parked is not None:
            where, connection = parked
            is_fresh = self._pool is None  # a probe opened it, and nothing was asked
            if where == origin and (is_fresh or kept) and connection.is_quiet():
                self.is_reused = not is_fresh
                return connection
            connection.close()
        found = self._pool.take(origin) if kept and self._pool is not None else None
        self.is_reused = found is not None
        return found

    def park(self, origin: Origin, connection: Connection) -> None:
        """
        Hold *connection*, which has brought all that was asked of it.
        """
        self.drop()
        self._parked = (origin, connection)

    def confirm(self) -> None:
        """
        The last answer was about whom we asked: its connection may be used again.
        """
        if self._parked is not None and self._pool is not None:
            origin, connection = self._parked
            self._parked = None
            self._pool.put(origin, connection)

    def stop_reuse(self) -> None:
        """
        From here on every answer has a connection of its own.
        """
        self.drop()
        self._pool = None

    def forsake(self, origin: Origin) -> None:
        """
        Close what is kept for *origin*, and keep nothing more in this call.
        """
        if self._pool is not None:
            self._pool.drop(origin)
        self.stop_reuse()

    def drop(self) -> None:
        """
        Close the connection that is parked, if there is one.
        """
        if self._parked is not None:
            self._parked[1].close()
            self._parked = None

    def carried_by(self, request: httpx.Request) -> httpx.Request:
        """
        The *request*, carrying this call, and timeouts for a foreign transport.
        """
        extensions = request.extensions
        if extensions.get(EXTENSION) is not self or self.tells_timeouts:
            request.extensions = {**extensions, EXTENSION: self}
            if self.tells_timeouts:
                names = ("connect", "read", "write", "pool")
                request.extensions["timeout"] = dict.fromkeys(names, self.deadline.left())
        return request


def hand_over(request: httpx.Request) -> None:
    """
    Note that the first byte of *request* is on its way.
    """
    call = call_of(request)
    if call is not None:
        call.was_handed_over = True


def _place_of(url: httpx.URL) -> tuple[Origin, bytes]:
    return origin_of(url), url.raw_path.partition(b"?")[0]


def call_of(request: httpx.Request) -> Call | None:
    """
    The call that *request* belongs to, or None in a foreign client.
    """
    call = request.extensions.get(EXTENSION)
    return call if isinstance(call, Call) else None
