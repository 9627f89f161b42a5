"""
What one call carries with it: its deadline, its network, its connection, and a
note of its steps.

It travels in the extensions of the request, which is where httpx puts what
belongs to a request and is not sent.
"""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import attrs
import httpx

from careof._network.answers import nothing_was_accepted
from careof._network.asked import Origin, origin_of
from careof._network.connection import Connection
from careof._network.limits import Deadline
from careof._network.pool import Pool
from careof._values.clock import Clock
from careof.errors import CareofError

EXTENSION = "careof.call"


@attrs.define
class Step:
    """
    One step: its name, how long it took, and a safe remark.

    Attributes:
        began: Seconds since the call began.
        attempt: In which try, from 1.
        failure: Outcome and detail of what failed, or None.
        status: The HTTP status, where there is one.
    """

    name: str
    seconds: float | None = None
    remark: str = ""
    began: float = 0.0
    attempt: int = 1
    failure: tuple[str, str] | None = None
    status: int | None = None


class Call:
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
        attempt: The try under way, from 1.
        is_reused: Whether the last answer came over a connection that may have
            brought another one before.
        is_test: Whether somebody tests the configuration.
        is_watched: Whether somebody will read its steps.
        started_at: When it began, in seconds since 1970.
        steps: Those that are over.
        tells_timeouts: Whether its requests carry how much time is left.
        was_handed_over: Whether a byte of what it asks for may have arrived, and
            no answer says that nothing was accepted.
        step: The one under way, which a deadline that passes now interrupts.
    """

    __slots__ = (
        "_asks_once",
        "_begun",
        "_clock",
        "_parked",
        "_pool",
        "_since",
        "_tried_since",
        "attempt",
        "deadline",
        "is_reused",
        "is_test",
        "is_watched",
        "network",
        "question",
        "started_at",
        "step",
        "steps",
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
        self.network = network
        self.was_handed_over = False
        self.question: httpx.Request | None = None
        self.deadline = deadline
        self.attempt = 1
        self.tells_timeouts: bool = getattr(network, "is_foreign", True)
        self.is_reused = False
        self.is_test = is_test
        self.is_watched = is_watched
        self.steps: list[Step] = []
        self.step = "template"
        self._asks_once = asks_once
        self._clock = clock
        self.started_at = clock.time()
        self._begun = self._since = self._tried_since = clock.monotonic()
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

    def lasted(self) -> float:
        """
        Seconds since it began.
        """
        return self._clock.monotonic() - self._begun

    def since(self) -> float:
        """
        Seconds since the last step that was passed.
        """
        return self._clock.monotonic() - self._since

    def passed(self, name: str, remark: str = "", *, timed: bool = True) -> None:
        """
        Note that the step *name* succeeded, and begin to time the next one.
        """
        if not self.is_watched:
            return
        now = self._clock.monotonic()
        since, self._since = self._since, now
        self.steps.append(
            Step(name, now - since if timed else None, remark, since - self._begun, self.attempt)
        )

    def begin_try(self, number: int) -> None:
        """
        Begin to time the try *number*: the pause before it is none of its time.
        """
        self.attempt = number
        self._since = self._tried_since = self._clock.monotonic()

    def tried(self, outcome: object) -> None:
        """
        Note what became of the try under way.
        """
        if not self.is_watched:
            return
        now = self._clock.monotonic()
        status: int | None = 200
        name, failure = "status", None
        if isinstance(outcome, CareofError):
            name, status = outcome.step, outcome.status
            failure = (outcome.outcome, outcome.detail)
        for step, start in ((name, self._since), ("attempt", self._tried_since)):
            self.steps.append(
                Step(
                    step,
                    now - start,
                    began=start - self._begun,
                    attempt=self.attempt,
                    failure=failure,
                    status=status,
                )
            )

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
