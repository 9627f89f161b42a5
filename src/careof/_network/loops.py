"""
An event loop, seen from a thread.

Theory of operation: what is sent to a loop may never begin, for the loop may end
first, and may never end, for the loop may stand still.  Neither can be seen from
outside, and anyio's own way into a loop then waits for ever.  So whoever sends
work there says how long it may take, and waits no longer; work whose time is
over is not begun, because its sender may have sent somebody else.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, wait
from typing import Any, Generic, TypeVar

T = TypeVar("T")

GLANCE = 0.1  # seconds after which a thread that waits looks whether its loop has ended


class RunningLoop:
    """
    The loop of asyncio or Trio that runs where this is built.
    """

    __slots__ = ("_is_over", "call_soon", "spawn")

    def __init__(self) -> None:
        self._is_over: Callable[[], bool]
        self.call_soon: Callable[[Callable[[], object]], object]
        self.spawn: Callable[[Callable[[], Any], contextvars.Context], object]
        if in_trio():
            trio: Any = sys.modules["trio"]
            self.call_soon = trio.lowlevel.current_trio_token().run_sync_soon
            self.spawn = _spawn_in_trio
            self._is_over = _never  # it runs whatever it was given before
        else:
            # Late, so that importing careof imports no asyncio.
            from asyncio import get_running_loop

            loop = get_running_loop()
            self.call_soon = loop.call_soon_threadsafe
            self.spawn = functools.partial(_spawn_in_asyncio, loop)
            self._is_over = loop.is_closed

    def run(self, work: Callable[[], Awaitable[T]], seconds: float, *, grace: float = 0.0) -> T:
        """
        What *work* returns or raises on the loop, whose thread must be another one.

        Args:
            seconds: How long the work may take.
            grace: Seconds more for a loop that has not said by then that it is too late.

        Raises:
            TimeoutError: It took longer, or the loop ended.
            RuntimeError: The loop had ended before; Trio has a class of its own for it.
        """
        until = time.monotonic() + max(0.0, seconds)
        errand = _Errand(work, until, self.spawn)
        try:
            self.call_soon(errand.begin)
            while not (errand.landed.done() or self._is_over()):
                left = until + grace - time.monotonic()
                if left <= 0:
                    break
                wait([errand.landed], timeout=min(left, GLANCE))
            return errand.landed.result(timeout=0)
        finally:
            del errand  # which an error would hold, and it the error


class _Errand(Generic[T]):
    """
    Work on its way to a loop.
    """

    __slots__ = ("_context", "_spawn", "_task", "_until", "_work", "landed")

    def __init__(
        self,
        work: Callable[[], Awaitable[T]],
        until: float,
        spawn: Callable[[Callable[[], Any], contextvars.Context], object],
    ) -> None:
        self.landed: Future[T] = Future()
        self._work = work
        self._until = until
        self._spawn = spawn
        self._context = contextvars.copy_context()
        self._task: object = None  # a loop of asyncio keeps no hold on its tasks

    def begin(self) -> None:
        """
        Let a task of the loop do it, if there is time left; called on the loop.
        """
        left = self._until - time.monotonic()
        # The loop may be at its end, or its host make tasks in a way of its own:
        # what left this callback would end all of Trio's run.
        with contextlib.suppress(Exception):
            if left > 0:
                land = functools.partial(_land, self.landed, self._work, left)
                self._task = self._spawn(land, self._context)
                return
        self.landed.set_exception(TimeoutError())


async def _land(landed: Future[T], work: Callable[[], Awaitable[T]], seconds: float) -> None:
    import anyio

    try:
        with anyio.move_on_after(seconds):
            landed.set_result(await work())
    except Exception as error:
        if not landed.done():  # or a scope that the host has left open complains
            landed.set_exception(error)
    except BaseException as error:
        # Cancelled, as the loop ends: so does this task.  What left a task like
        # this one would end all of Trio's run; in asyncio Ctrl-C is meant for it.
        if isinstance(error, KeyboardInterrupt | SystemExit) and not in_trio():
            raise
    finally:
        if not landed.done():
            landed.set_exception(TimeoutError())
        del landed, work  # as above


def _never() -> bool:
    return False


def _spawn_in_trio(main: Callable[[], Any], context: contextvars.Context) -> object:
    trio: Any = sys.modules["trio"]
    return trio.lowlevel.spawn_system_task(main, context=context)


def _spawn_in_asyncio(loop: Any, main: Callable[[], Any], context: contextvars.Context) -> object:
    coroutine = main()
    try:
        # Not with context=, which a task factory of the host's may not know.
        return context.run(loop.create_task, coroutine)
    except BaseException:  # of the host's; Python would warn that nobody awaited it
        coroutine.close()
        raise


def in_trio() -> bool:
    """
    Whether a task of Trio runs here; it may be a guest in the loop of asyncio.
    """
    trio: Any = sys.modules.get("trio")
    # While another thread imports it, it has no names yet, and no tasks.
    asks = getattr(getattr(trio, "lowlevel", None), "in_trio_task", None)
    return asks is not None and bool(asks())
