"""
An event loop, seen from a thread.

Theory of operation: what is sent to a loop may never begin, for the loop may end
first, and may never end, for the loop may stand still.  Neither can be seen from
outside, and anyio's own way into a loop then waits for ever.  So whoever sends
work there says how long it may take, and waits no longer.
"""

from __future__ import annotations

import contextvars
import functools
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

# A loop keeps no hold on a task that waits for something.
_tasks: set[Any] = set()


class RunningLoop:
    """
    The loop of asyncio or Trio that runs where this is built.
    """

    __slots__ = ("_start", "call_soon")

    def __init__(self) -> None:
        self.call_soon: Callable[[Callable[[], object]], object]
        self._start: Callable[..., object]
        if in_trio():
            trio: Any = sys.modules["trio"]
            self.call_soon = trio.lowlevel.current_trio_token().run_sync_soon
            self._start = trio.lowlevel.spawn_system_task
        else:
            # Late, so that importing careof imports no asyncio.
            from asyncio import get_running_loop

            loop = get_running_loop()
            self.call_soon = loop.call_soon_threadsafe
            self._start = functools.partial(_task_of_asyncio, loop)

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
        landed: Future[T] = Future()
        start = functools.partial(
            self._start,
            functools.partial(_land, landed, work, time.monotonic() + seconds),
            context=contextvars.copy_context(),
        )
        self.call_soon(start)
        try:
            return landed.result(timeout=max(0.0, seconds) + grace)
        finally:
            del landed, start  # an error would hold them, and they it


async def _land(landed: Future[T], work: Callable[[], Awaitable[T]], until: float) -> None:
    import anyio

    try:
        with anyio.move_on_after(until - time.monotonic()):
            landed.set_result(await work())
    except Exception as error:
        landed.set_exception(error)
    finally:
        # Too late, or cancelled because the loop ends.
        if not landed.done():
            landed.set_exception(TimeoutError())


def _task_of_asyncio(loop: Any, main: Callable[[], Any], *, context: contextvars.Context) -> None:
    task = loop.create_task(main(), context=context)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)


def in_trio() -> bool:
    """
    Whether a task of Trio runs here; it may be a guest in the loop of asyncio.
    """
    trio: Any = sys.modules.get("trio")
    return trio is not None and bool(trio.lowlevel.in_trio_task())
