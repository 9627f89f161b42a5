"""
From an iterable of any length to receipts, in bounded memory, none lost and none twice.

Theory of operation: whoever asks for the next receipt does the work that is not
in the crew: takes ids while there is room, waits for what lands, gives up what
hangs.  So ids are taken in one thread, the caller's own, as a cursor of a
database wants it, and nothing is taken ahead of a caller who asks slowly.
"""

from __future__ import annotations

import atexit
import functools
import inspect
from itertools import islice

from careof._network.limits import Deadline
from careof._sending.many.crew import AsyncCrew, Crew
from careof._sending.many.under_way import GLANCE, UnderWay
from careof._sending.one.delivery import Delivery
from careof._sending.one.ends import INTERRUPTED, Otherwise
from careof._values.receipt import Receipt

CLOSING = 30.0  # seconds that what is under way gets when nobody asks for more
SETTLING = 2.0  # seconds that the storage gets for what was given up then

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


class Flow(UnderWay[Crew]):
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
        self._wait_until_settled()
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
            self._give_up_on(delivery, INTERRUPTED)
        self._wait_until_settled()
        self._crew.end()

    def _wait_until_settled(self) -> None:
        deadline = Deadline(self._clock, SETTLING)
        while self._unsettled and deadline.left():
            self._crew.landed(min(GLANCE, deadline.left()))

    def _end_aside(self, delivery: Delivery, otherwise: Otherwise) -> None:
        try:
            self._give_up(delivery, otherwise)
        finally:
            self._crew.land(delivery)
            try:
                self._settle(delivery)
            finally:
                self._unsettled.discard(delivery)
                self._crew.wake()

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
            self._fails(error)
        self._is_exhausted = not self._inbox


class AsyncFlow(UnderWay[AsyncCrew]):
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
        await self._wait_until_settled()
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
            self._give_up_on(delivery, INTERRUPTED)
        await self._wait_until_settled()
        self._crew.end()

    async def _wait_until_settled(self) -> None:
        deadline = Deadline(self._clock, SETTLING)
        while self._unsettled and deadline.left():
            await self._crew.landed(min(GLANCE, deadline.left()))

    async def _end_aside(self, delivery: Delivery, otherwise: Otherwise) -> None:
        try:
            self._give_up(delivery, otherwise)
        finally:
            self._crew.land(delivery)
            try:
                await self._settle(delivery)
            finally:
                self._unsettled.discard(delivery)
                self._crew.wake()

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
            if self._wanted is None:  # once, however long its first id takes
                import anyio

                self._wanted = anyio.Event()
                self._crew.pull(self._pull)
            self._wanted.set()
            # Whatever comes first: a receipt need not wait for an id.
            await self._crew.woken(0.0 if self._inbox else GLANCE)
            return
        try:
            if self._source is None:
                self._source = enumerate(self._ids)
            self._inbox.extend(islice(self._source, 1))
        except Exception as error:
            self._fails(error)
        self._is_exhausted = not self._inbox

    async def _pull(self) -> None:
        # In one task from its first id to its last: it may hold a scope open.
        import anyio

        number, source = 0, None
        try:
            source = aiter(self._ids)
            async for recipient in source:
                self._inbox.append((number, recipient))
                number += 1
                self._wanted = anyio.Event()
                self._crew.wake()
                await self._wanted.wait()
        except BaseException as error:
            # Of something that was cancelled inside it, too; only a halt is ours.
            if isinstance(error, Exception) or not self.run.is_halted:
                self._fails(error)
        finally:
            self._is_exhausted = True
            self._crew.wake()
            if inspect.isasyncgen(source):
                # The collector would do it in a task that opened none of its scopes.
                await source.aclose()
