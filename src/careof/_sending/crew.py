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
from contextlib import AbstractContextManager, nullcontext
from queue import Empty, SimpleQueue
from typing import Any

from careof._network.flights import context_of_the_caller
from careof._network.loops import RunningLoop, in_trio
from careof._sending.delivery import Delivery
from careof._sending.ends import INTERRUPTED, Otherwise
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
        self._landed: SimpleQueue[Delivery] = SimpleQueue()
        self._hands: set[int] = set()  # the threads that there are
        self._stuck: set[Delivery] = set()  # what some of them do not come back from

    def put(self, delivery: Delivery, wanted: int, /) -> None:
        """
        Have *delivery* carried, by one of *wanted* threads.
        """
        self._waiting.put(delivery)
        # Where no thread can be had, the caller's own has to do.
        if len(self._hands) - len(self._stuck) < wanted and not (
            _started(self._work) or len(self._hands) > len(self._stuck)
        ):
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
        _started(work)

    def halt(self) -> None:
        """
        Interrupt what can be: no thread can.
        """

    def end(self) -> None:
        """
        Let each thread end when it has nothing to do.
        """
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


def _started(work: Callable[[], object]) -> bool:
    """
    Whether a thread does *work*: there may be no more, or the interpreter is ending.
    """
    thread = threading.Thread(
        target=context_of_the_caller().run, args=(work,), name="careof-dispatch", daemon=True
    )
    try:
        thread.start()
    except RuntimeError:
        return False
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
        self._tasks: set[object] = set()  # a loop of asyncio keeps no hold on them
        self._heard: Any = None
        self._pulling: Any = None
        self._has_ctrl_c = False

    def put(self, delivery: Delivery, _wanted: int, /) -> None:
        """
        Have *delivery* carried, by a task of its own.
        """
        try:
            task = self._spawn(functools.partial(self._work, delivery))
        except BaseException:  # the loop has ended, or makes tasks in a way of its own
            self._never_began(delivery)
            raise
        if hasattr(task, "add_done_callback"):
            # One of asyncio that is cancelled before its first step has none.
            task.add_done_callback(lambda _: self._never_began(delivery))

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
        import anyio

        self._heard = anyio.Event()
        with anyio.move_on_after(seconds):
            await self._heard.wait()

    def wake(self) -> None:
        """
        Let whoever waits look again.
        """
        if self._heard is not None:
            self._heard.set()

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
        self._spawn(functools.partial(_quietly, work))

    def pull(self, work: Callable[[], Awaitable[object]]) -> None:
        """
        Do *work* in a task of its own until the crew is halted.
        """

        async def pull() -> None:
            with _cancellable() as self._pulling:
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
        task: Any = self._loop.spawn(main, self._context.copy())
        if hasattr(task, "add_done_callback"):
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return task

    async def _work(self, delivery: Delivery) -> None:
        if not delivery.fate.begin():
            return
        try:
            with Unseen(), _cancellable() as self._begun[delivery]:
                await self._carry(delivery)
        except BaseException as error:
            # What left a system task would end all of Trio's run, and asyncio
            # would log it with what it says.  Ctrl-C is meant for its loop, or
            # else for whoever asks for receipts.
            if _is_ctrl_c(error):
                if not in_trio():
                    raise
                self._has_ctrl_c = True
        finally:
            del self._begun[delivery]
            self._land_concluded(delivery)

    def _never_began(self, delivery: Delivery) -> None:
        if delivery.fate.begin():
            self._land_concluded(delivery)

    def _land_concluded(self, delivery: Delivery) -> None:
        with contextlib.suppress(Exception):
            self._give_up(delivery, INTERRUPTED)
        if not delivery.has_landed:
            self.land(delivery)


def _cancellable() -> AbstractContextManager[Any]:
    """
    What cancels the task that runs here.
    """
    if in_trio():
        import anyio

        return anyio.CancelScope()
    # A scope of anyio costs as much as the task itself.
    import asyncio

    return nullcontext(asyncio.current_task())


def _is_ctrl_c(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):  # of a nursery inside
        return error.subgroup(KeyboardInterrupt) is not None
    return isinstance(error, KeyboardInterrupt)


async def _quietly(work: Callable[[], Awaitable[object]]) -> None:
    with contextlib.suppress(BaseException):
        await work()
