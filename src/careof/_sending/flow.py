"""
From an iterable of any length to receipts, in bounded memory, none lost and none twice.

Theory of operation: whoever asks for the next receipt does the work that is not
in the crew: takes ids while there is room, waits for what lands, gives up what
hangs.  So ids are taken in one thread, the caller's own, as a cursor of a
database wants it, and nothing is taken ahead of a caller who asks slowly.

What is under way stands in ``_open``, from the moment that it is taken until the
caller asks for the next one.  Ctrl-C can come between any two lines, so an id
goes from the iterable into ``_inbox`` in one step that nothing interrupts, and
every step behind that can be repeated: a delivery that is put in twice is
carried once.  After an interruption receipts are found in ``_open``, because
the crew's queue may have lost one on its way.

What is given up is decided and told at once.  Its claim is settled aside: the
storage of the host may be what hangs.
"""

from __future__ import annotations

import abc
import atexit
import functools
import math
import os
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Any, Generic, TypeVar

from careof._network.limits import Deadline
from careof._sending.crew import AsyncCrew, Crew, GiveUp
from careof._sending.delivery import Delivery
from careof._sending.ends import GIVEN_UP, INTERRUPTED, Otherwise
from careof._sending.run import Run
from careof._values.clock import Clock
from careof._values.receipt import Receipt
from careof.errors import ConfigurationError

AnyCrew = TypeVar("AnyCrew", Crew, AsyncCrew)

GLANCE = 1.0  # seconds between two looks for what hangs
CLOSING = 30.0  # seconds that what is under way gets when nobody asks for more
SETTLING = 2.0  # seconds that the storage gets for what was given up then


class _Flow(abc.ABC, Generic[AnyCrew]):
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
        self.run = run
        self.failure: Exception | None = None  # of the iterable
        self.is_interrupted = False  # after it gave out a receipt that nobody saw
        self.is_forsaken = False
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
        self._given_out: Delivery | None = None
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

    def _is_elsewhere(self) -> bool:
        # A child that was forked has neither our threads nor our claims.
        return self._process != os.getpid()

    def _begin(self) -> None:
        if self._is_elsewhere():
            raise ConfigurationError("A batch belongs to the process that began it.")
        if self._given_out is not None and not self.is_interrupted:
            self._open.pop(self._given_out.number, None)
            self._given_out = None
        self.is_interrupted = False

    def _begin_taken(self) -> None:
        # Each line may be the last for now, and is done again then.
        while self._inbox:
            number, recipient = self._inbox[0]
            if number not in self._open:
                self._open[number] = self._delivery(recipient, number)
            try:
                self._crew.put(self._open[number], len(self._open))
            except Exception as error:  # its loop has ended
                self.failure = self.failure or error
                self.run.halt()
            self._inbox.popleft()

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
            if delivery.is_concluded:
                return delivery
            if self._is_ordered:
                break
        return None

    def _give_out(self, delivery: Delivery) -> Receipt:
        self._given_out = delivery
        return delivery.receipt

    def _give_up_overdue(self) -> None:
        now = self._clock.monotonic()
        if now - self._looked < min(GLANCE, self._patience):
            return
        self._looked = now
        for delivery in list(self._open.values()):
            is_overdue = (delivery.fate.since or math.inf) <= now - self._patience
            if is_overdue and not delivery.has_landed:
                self._let_go(delivery, GIVEN_UP)
                self._crew.land(delivery)

    def _let_go(self, delivery: Delivery, otherwise: Otherwise) -> None:
        self._give_up(delivery, otherwise)
        self._unsettled.add(delivery)
        self._crew.aside(functools.partial(self._settle_aside, delivery))
        self._crew.abandon(delivery)

    @abc.abstractmethod
    def _settle_aside(self, delivery: Delivery) -> Any: ...

    def _left(self) -> list[Delivery]:
        return [each for each in self._open.values() if not each.has_landed]


# Those that the end of the program may have to wait for, forsaken or not.
_UNFINISHED: set[Flow] = set()


@functools.cache
def _watch_the_end() -> None:
    atexit.register(_close_all)


def _close_all() -> None:
    for flow in list(_UNFINISHED):
        flow.halt()
    for flow in list(_UNFINISHED):
        flow.close(CLOSING)


def _watch(flow: Flow) -> None:
    _watch_the_end()
    for other in list(_UNFINISHED):
        if other.is_forsaken and not other._left():
            _UNFINISHED.discard(other)
    _UNFINISHED.add(flow)


class Flow(_Flow[Crew]):
    """
    Receipts from an iterable, by threads.
    """

    def next(self) -> Receipt | None:
        """
        The next receipt; None when there is none left.
        """
        self._begin()
        while not self._is_over():
            self._begin_taken()
            self._give_up_overdue()
            delivery = self._found(self._crew.landed(0))
            if delivery is None and self._has_room():
                self._take()
                continue
            if delivery is None:
                delivery = self._found(self._crew.landed(min(GLANCE, self._patience)))
            if delivery is not None:
                return self._give_out(delivery)
        self._settled()
        self._end()
        return None

    def close(self, seconds: float) -> None:
        """
        Halt, wait for what is under way for so many *seconds*, and give up the rest.
        """
        if self._is_elsewhere():
            return
        self.halt()
        self._begin_taken()
        deadline = Deadline(self._clock, seconds)
        while self._left() and deadline.left():
            self._crew.landed(min(GLANCE, deadline.left()))
        for delivery in self._left():
            self._let_go(delivery, INTERRUPTED)
        self._settled()
        self._crew.end()

    def _settled(self) -> None:
        deadline = Deadline(self._clock, SETTLING)
        while self._unsettled and deadline.left():
            self._crew.landed(min(GLANCE, deadline.left()))

    def _settle_aside(self, delivery: Delivery) -> None:
        try:
            self._settle(delivery)
        finally:
            self._unsettled.discard(delivery)
            self._crew.land(delivery)

    def forsake(self) -> None:
        """
        Halt, because nobody holds the batch any more; what is under way ends by itself.

        The collector calls this in any thread and under any lock, so it neither
        waits nor calls anything of the host's.
        """
        if not self._is_elsewhere():
            self.halt()
            self._crew.end()
            self._ids = self._source = None
            self.is_forsaken = True

    def _end(self) -> None:
        self._crew.end()
        _UNFINISHED.discard(self)

    def _take(self) -> None:
        try:
            if self._source is None:
                _watch(self)
                self._source = enumerate(self._ids)
            # One step, between whose parts no signal is handled.
            self._inbox.extend(islice(self._source, 1))
        except Exception as error:
            self.failure = error
        self._is_exhausted = not self._inbox


class AsyncFlow(_Flow[AsyncCrew]):
    """
    Receipts from an iterable, or an async one, by tasks.
    """

    async def next(self) -> Receipt | None:
        """
        The next receipt; None when there is none left.
        """
        self._begin()
        while not self._is_over():
            self._begin_taken()
            self._give_up_overdue()
            delivery = self._found(await self._crew.landed(0))
            if delivery is None and self._has_room():
                await self._take()
                continue
            if delivery is None:
                delivery = self._found(await self._crew.landed(min(GLANCE, self._patience)))
            if delivery is not None:
                return self._give_out(delivery)
        await self._settled()
        self._end()
        return None

    async def close(self, seconds: float) -> None:
        """
        Halt, wait for what is under way for so many *seconds*, and give up the rest.
        """
        if self._is_elsewhere():
            return
        self.halt()
        self._begin_taken()
        deadline = Deadline(self._clock, seconds)
        while self._left() and deadline.left():
            await self._crew.landed(min(GLANCE, deadline.left()))
        for delivery in self._left():
            self._let_go(delivery, INTERRUPTED)
        await self._settled()
        self._crew.end()

    async def _settled(self) -> None:
        deadline = Deadline(self._clock, SETTLING)
        while self._unsettled and deadline.left():
            await self._crew.landed(min(GLANCE, deadline.left()))

    async def _settle_aside(self, delivery: Delivery) -> None:
        try:
            await self._settle(delivery)
        finally:
            self._unsettled.discard(delivery)
            self._crew.land(delivery)

    def forsake(self) -> None:
        """
        Halt, because nobody holds the batch any more; what is under way ends by itself.

        The collector calls this in any thread.
        """
        if not self._is_elsewhere():
            self.run.halt()
            self._crew.halt_soon()

    def _end(self) -> None:
        self._crew.end()

    async def _take(self) -> None:
        if hasattr(self._ids, "__aiter__"):
            if self._wanted is None:
                self._crew.pull(self._pull)
            else:
                self._wanted.set()
            if not self._inbox:
                # Whatever comes first: a receipt need not wait for an id.
                await self._crew.woken(GLANCE)
            return
        try:
            if self._source is None:
                self._source = enumerate(self._ids)
            self._inbox.extend(islice(self._source, 1))
        except Exception as error:
            self.failure = error
        self._is_exhausted = not self._inbox

    async def _pull(self) -> None:
        # In one task from its first id to its last: it may hold a scope open.
        import anyio

        number = 0
        try:
            async for recipient in self._ids:
                self._inbox.append((number, recipient))
                number += 1
                self._wanted = anyio.Event()
                self._crew.wake()
                await self._wanted.wait()
        except Exception as error:
            self.failure = error
        finally:
            self._is_exhausted = True
            self._crew.wake()
