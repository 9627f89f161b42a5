"""
Who carries the deliveries of a batch: threads, or tasks of the loop that runs.

Theory of operation: what is put in is carried once and lands once, concluded,
whatever the parts of the host raise on the way.  Threads are kept for the next
delivery, because one costs more than a receipt; they are daemons, because one
that hangs cannot be ended and must not keep the program.  Tasks are new for
each delivery and belong to no scope of the host's, because a batch outlives the
call that asks for its next receipt; a loop of asyncio, or Trio's run, ends them
when it ends itself.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from queue import Empty, SimpleQueue
from typing import Any

from careof._network.loops import RunningLoop, in_trio
from careof._sending.many.hands import async_quietly, cancellable, is_ctrl_c, quietly, started
from careof._sending.one.delivery import Delivery
from careof._sending.one.ends import INTERRUPTED, Otherwise
from careof._values.unwrap import Unseen

GiveUp = Callable[[Delivery, Otherwise], object]


class Crew:
    """
    Threads, one for each delivery that is under way.

    Args:
        carry: Brings one to its end.
        give_up: Ends one that came to none.
    """

    def __init__(self, carry: Callable[[Delivery], object], give_up: GiveUp) -> None:
        self._carry = carry
        self._give_up = give_up
        self._waiting: SimpleQueue[Delivery | None] = SimpleQueue()
        self._landed: SimpleQueue[Delivery | None] = SimpleQueue()
        self._hands: set[int] = set()  # the threads that there are
        self._stuck: set[Delivery] = set()  # what some of them do not come back from
        self._is_over = False

    def put(self, delivery: Delivery, wanted: int, /) -> None:
        """
        Have *delivery* carried, by one of *wanted* threads.
        """
        self._waiting.put(delivery)
        if self._is_over:  # closed by somebody else, while this one was taken
            self.aside(functools.partial(self._take, delivery))
            return
        if len(self._hands) - len(self._stuck) >= wanted or started(self._work):
            return
        # Where no thread can be had and none is there, the caller's own has to do.
        if len(self._hands) <= len(self._stuck):
            self._take(delivery)

    def landed(self, seconds: float) -> Delivery | None:
        """
        The next one that landed, or None if there is none within *seconds*.
        """
        try:
            return self._landed.get(block=seconds > 0, timeout=max(0.0, seconds))
        except Empty:
            return None

    def land(self, delivery: Delivery) -> None:
        """
        Let *delivery* come out.
        """
        delivery.has_landed = True
        self._landed.put(delivery)

    def abandon(self, delivery: Delivery) -> None:
        """
        Count no more on the thread of *delivery*, until it comes back.
        """
        self._stuck.add(delivery)
        if delivery.is_back:
            self._stuck.discard(delivery)

    def aside(self, work: Callable[[], object]) -> None:
        """
        Do *work* in a thread of its own, which nobody waits for.
        """
        if not started(functools.partial(quietly, work)):
            work()

    def wake(self) -> None:
        """
        Let whoever waits look again.
        """
        self._landed.put(None)

    def halt(self) -> None:
        """
        Interrupt what can be: no thread can.
        """

    def end(self) -> None:
        """
        Let each thread end when it has nothing to do.
        """
        self._is_over = True
        self._waiting.put(None)

    def _work(self) -> None:
        self._hands.add(threading.get_ident())
        while self._take(self._waiting.get()):
            pass
        self._hands.discard(threading.get_ident())
        self._waiting.put(None)  # for the next thread

    def _take(self, delivery: Delivery | None) -> bool:
        if delivery is None:
            return False
        if delivery.fate.begin():  # or it was put in twice, by one who was interrupted
            # A sender may raise anything, SystemExit too: it has its outcome.
            # Somebody may keep what it raised, and with it the frames.
            with contextlib.suppress(BaseException), Unseen():
                self._carry(delivery)
            with contextlib.suppress(BaseException):
                self._give_up(delivery, INTERRUPTED)
            delivery.is_back = True
            self._stuck.discard(delivery)
            if not delivery.has_landed:  # which it has if it was given up
                self.land(delivery)
        return True


class AsyncCrew:
    """
    Tasks, one for each delivery; otherwise as ``Crew``.
    """

    def __init__(self, carry: Callable[[Delivery], Awaitable[object]], give_up: GiveUp) -> None:
        self._carry = carry
        self._give_up = give_up
        self._loop: RunningLoop | None = None
        self._context = contextvars.copy_context()
        self._landed: deque[Delivery] = deque()
        self._begun: dict[Delivery, Any] = {}  # to what can be cancelled
        self._asides: set[object] = set()  # a loop of asyncio keeps no hold on its tasks
        self._wake: Callable[[], object] = _nobody
        self._pulling: Any = None
        self._has_ctrl_c = False

    def put(self, delivery: Delivery, _wanted: int, /) -> None:
        """
        Have *delivery* carried, by a task of its own.
        """
        if in_trio():
            self._spawn(functools.partial(self._work_in_trio, delivery))
            return
        try:
            task = self._spawn(functools.partial(self._work, delivery))
        except BaseException:  # the loop has ended, or makes tasks in a way of its own
            if delivery not in self._begun:
                self._end_of(delivery)
            raise
        if task.done():  # an eager one: callbacks would pile up until the loop goes on
            self._end_of(delivery)
        elif self._begun.setdefault(delivery, task) is task:
            # It can be cancelled before its first step, and then never begins.
            task.add_done_callback(functools.partial(self._end_of, delivery))

    async def landed(self, seconds: float) -> Delivery | None:
        """
        The next one that landed, or None if there is none within *seconds*.
        """
        if not self._landed and seconds > 0:
            await self.woken(seconds)
        if self._has_ctrl_c:
            self._has_ctrl_c = False
            raise KeyboardInterrupt
        return self._landed.popleft() if self._landed else None

    async def woken(self, seconds: float) -> None:
        """
        Wait until one lands or somebody calls ``wake``, at most for *seconds*.
        """
        if in_trio():
            import anyio

            event = anyio.Event()
            self._wake = event.set
            with anyio.move_on_after(seconds):
                await event.wait()
        else:
            # Not by anyio, which takes several times as long for each receipt.
            import asyncio

            loop = asyncio.get_running_loop()
            heard = loop.create_future()
            self._wake = functools.partial(_hear, heard)
            timer = loop.call_later(seconds, _hear, heard)
            try:
                await heard
            finally:
                timer.cancel()

    def wake(self) -> None:
        """
        Let whoever waits look again.
        """
        self._wake()

    def land(self, delivery: Delivery) -> None:
        """
        Let *delivery* come out.
        """
        delivery.has_landed = True
        self._landed.append(delivery)
        self.wake()

    def abandon(self, delivery: Delivery) -> None:
        """
        Interrupt *delivery*, as far as it lets itself be.
        """
        if delivery in self._begun:
            self._begun[delivery].cancel()

    def aside(self, work: Callable[[], Awaitable[object]]) -> None:
        """
        Do *work* in a task of its own, which nobody waits for.
        """
        task = self._spawn(functools.partial(async_quietly, work))
        if hasattr(task, "add_done_callback") and not task.done():
            self._asides.add(task)
            task.add_done_callback(self._asides.discard)

    def pull(self, work: Callable[[], Awaitable[object]]) -> None:
        """
        Do *work* in a task of its own until the crew is halted.
        """

        async def pull() -> None:
            with cancellable() as self._pulling:
                await work()

        self.aside(pull)

    def halt(self) -> None:
        """
        Interrupt what is not handed over.
        """
        for delivery, task in list(self._begun.items()):
            if not delivery.fate.is_handed_over:
                task.cancel()
        if self._pulling is not None:
            self._pulling.cancel()
        self.wake()

    def halt_soon(self) -> None:
        """
        As ``halt``, from any thread.
        """
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended, and they with it
                self._loop.call_soon(self.halt)

    def end(self) -> None:
        """
        Nothing is left that would have to end.
        """

    def _spawn(self, main: Callable[[], Any]) -> Any:
        if self._loop is None:
            self._loop = RunningLoop()
        return self._loop.spawn(main, self._context.copy())

    async def _work_in_trio(self, delivery: Delivery) -> None:
        import anyio

        with anyio.CancelScope() as scope:
            if self._begun.setdefault(delivery, scope) is scope:
                await self._work(delivery)
                self._end_of(delivery)

    async def _work(self, delivery: Delivery) -> None:
        if not delivery.fate.begin():
            return
        try:
            with Unseen():
                await self._carry(delivery)
        except BaseException as error:
            # What left a system task would end all of Trio's run, and asyncio
            # would log it with what it says.  Ctrl-C is meant for its loop, or
            # else for whoever asks for receipts.
            if is_ctrl_c(error):
                if not in_trio():
                    self._end_of(delivery)
                    raise
                self._has_ctrl_c = True

    def _end_of(self, delivery: Delivery, _task: object = None) -> None:
        with contextlib.suppress(BaseException):
            self._give_up(delivery, INTERRUPTED)
        self._begun.pop(delivery, None)
        if not delivery.has_landed:
            self.land(delivery)


def _nobody() -> None:
    """
    Nobody waits.
    """


def _hear(heard: Any) -> None:
    if not heard.done():
        heard.set_result(None)
