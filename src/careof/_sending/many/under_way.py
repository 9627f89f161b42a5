"""
What of a batch is under way: taken, and not yet given out.

Theory of operation: it stands in ``_open`` from the moment that it is taken
until the caller asks for the next one.  Ctrl-C can come between any two lines,
so an id goes from the iterable into ``_inbox`` in one step that nothing
interrupts, and every step behind that can be repeated: a delivery that is put
in twice is carried once.  After an interruption receipts are found in
``_open``, because the crew's queue may have lost one on its way.

What is given up is decided at once, and told and settled aside: the hook or the
storage of the host may be what hangs, and Ctrl-C would cut them off here.
"""

from __future__ import annotations

import abc
import contextlib
import functools
import os
from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from careof._sending.many.crew import AsyncCrew, Crew, GiveUp
from careof._sending.one.delivery import Delivery
from careof._sending.one.ends import GIVEN_UP, Otherwise
from careof._sending.one.run import Run
from careof._values.clock import Clock
from careof._values.receipt import Receipt
from careof.errors import ConfigurationError

AnyCrew = TypeVar("AnyCrew", Crew, AsyncCrew)

GLANCE = 1.0  # seconds between two looks for what hangs


class UnderWay(abc.ABC, Generic[AnyCrew]):
    """
    What both flows are made of.

    Args:
        ids: What is sent to.
        crew: Who carries it.
        delivery: Makes one of an id and its number.
        give_up: Ends one that hangs.
        settle: Settles its claim.
        run: What they share.
        width: How many may be under way.
        is_ordered: Whether receipts come in the order of *ids*.
        patience: Seconds after which one hangs.
        clock: What tells the time.
    """

    def __init__(
        self,
        ids: Any,
        crew: AnyCrew,
        *,
        delivery: Callable[[Any, int], Delivery],
        give_up: GiveUp,
        settle: Callable[[Delivery], Any],
        run: Run,
        width: int,
        is_ordered: bool,
        patience: float,
        clock: Clock,
    ) -> None:
        self.run: Run = run
        self.failure: BaseException | None = None  # of the iterable
        self.is_interrupted: bool = False  # after it gave out a receipt that nobody saw
        self.is_forsaken: bool = False
        self.given_out: Delivery | None = None
        self._ids = ids
        self._crew: AnyCrew = crew
        self._delivery = delivery
        self._give_up = give_up
        self._settle = settle
        self._width = width
        self._is_ordered = is_ordered
        self._patience = patience
        self._clock = clock
        self._process = os.getpid()
        self._source: Any = None
        self._wanted: Any = None
        self._inbox: deque[tuple[int, Any]] = deque()
        self._open: dict[int, Delivery] = {}
        self._unsettled: set[Delivery] = set()  # of those that were given up
        self._is_exhausted = False
        self._looked = clock.monotonic()

    def halt(self) -> None:
        """
        Take no more, and interrupt what is not handed over.
        """
        if not self._is_elsewhere():
            self.run.halt()
            self._crew.halt()

    def _fails(self, error: BaseException) -> None:
        # To be raised when the receipts of what was taken are out.
        self.failure = error

    def _is_elsewhere(self) -> bool:
        # A child that was forked has neither our threads nor our claims.
        return self._process != os.getpid()

    def _begin(self) -> None:
        if self._is_elsewhere():
            raise ConfigurationError("A batch belongs to the process that began it.")
        if self.given_out is not None and not self.is_interrupted:
            self._open.pop(self.given_out.number, None)
            self.given_out = None
        self.is_interrupted = False

    def _begin_taken(self) -> None:
        # Each line may be the last for now, and is done again then; or at once by
        # somebody who closes the batch from a signal handler or another thread.
        for taken in list(self._inbox):
            number, recipient = taken
            delivery = self._open.get(number) or self._open.setdefault(
                number, self._delivery(recipient, number)
            )
            try:
                self._crew.put(delivery, len(self._open))
            except Exception as error:  # its loop has ended
                self.failure = self.failure or error
                self.run.halt()
            with contextlib.suppress(ValueError):
                self._inbox.remove(taken)

    def _is_over(self) -> bool:
        return not (self._open or self._inbox) and not self._takes()

    def _takes(self) -> bool:
        return not (self._is_exhausted or self.run.is_halted)

    def _has_room(self) -> bool:
        return len(self._open) < self._width and self._takes()

    def _found(self, landed: Delivery | None) -> Delivery | None:
        """
        One that can be given out: the one that *landed*, or another.
        """
        if not (self._is_ordered or self.run.is_halted):
            # One that was given up may come a second time.
            is_next = landed is not None and landed.number in self._open
            return landed if is_next else None
        for delivery in self._open.values():  # in the order of their numbers
            # Told as well, unless the host's hook may be what hangs.
            if delivery.has_landed or (delivery.is_concluded and delivery in self._unsettled):
                return delivery
            if self._is_ordered:
                break
        return None

    def _give_out(self, delivery: Delivery) -> Receipt:
        self.given_out = delivery
        return delivery.receipt

    def _give_up_overdue(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked < min(GLANCE, self._patience):
            return
        self._looked = now
        for delivery in list(self._open.values()):
            since = delivery.fate.since
            is_overdue = since is not None and since <= now - self._patience
            if is_overdue and not delivery.has_landed:
                self._give_up_on(delivery, GIVEN_UP)

    def _give_up_on(self, delivery: Delivery, otherwise: Otherwise) -> None:
        delivery.fate.decide(None, otherwise)
        self._crew.abandon(delivery)
        self._unsettled.add(delivery)
        self._crew.aside(functools.partial(self._end_aside, delivery, otherwise))

    @abc.abstractmethod
    def _end_aside(self, delivery: Delivery, otherwise: Otherwise) -> Any: ...

    def _left(self) -> list[Delivery]:
        return [each for each in self._open.values() if not each.has_landed]
