"""
What the network waits for, and the two ways to wait.

Theory of operation: all that happens between the first byte and the last is
written once, as generators that never block.  Where one would block it yields
a wait, and is sent whether what it waited for came in time.  ``drive`` blocks
the thread in each wait, ``async_drive`` suspends the task; they are all that
there is of sync and async down here.  Nothing is bound to an event loop: a
socket that one loop waited for can be waited for by the next.
"""

from __future__ import annotations

import math
import select
import selectors
import socket
from collections.abc import Generator
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from careof._network.flights import async_wait_for, wait_for
from careof._network.limits import Deadline
from careof._network.loops import in_trio

T = TypeVar("T")

# poll() takes no more than 24 days, a thread's wait some centuries.
LONGEST = 86_400.0  # seconds


class Wait(Protocol):
    """
    Something that will happen, or the deadline that comes first.
    """

    def block(self) -> bool:
        """
        Whether it happened in time; meanwhile the thread sleeps.
        """
        ...

    async def suspend(self) -> bool:
        """
        As ``block``, while other tasks run.
        """
        ...


Steps = Generator[Wait, bool, T]


def drive(steps: Steps[T]) -> T:
    """
    What *steps* return, blocking where they wait.
    """
    try:
        wait = next(steps)
        while True:
            wait = steps.send(wait.block())
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        steps.close()


async def async_drive(steps: Steps[T]) -> T:
    """
    What *steps* return, while other tasks run where they wait.
    """
    try:
        wait = next(steps)
        while True:
            wait = steps.send(await wait.suspend())
    except StopIteration as end:
        value: T = end.value
        return value
    finally:
        steps.close()


class Ready:
    """
    Waits until *stream* can be read, or written, without blocking.
    """

    __slots__ = ("_deadline", "_stream", "_to_write")

    def __init__(self, stream: socket.socket, deadline: Deadline, *, to_write: bool) -> None:
        self._stream = stream
        self._deadline = deadline
        self._to_write = to_write

    def block(self) -> bool:
        """
        Whether it was ready in time.
        """
        seconds = min(self._deadline.left(), LONGEST)
        return seconds > 0 and _is_ready(self._stream, seconds, self._to_write)

    async def suspend(self) -> bool:
        """
        As ``block``, while other tasks run.
        """
        seconds = self._deadline.left()
        if seconds <= 0:
            return False
        if in_trio():
            return await self._anywhere(seconds)
        # Late, so that importing careof imports no asyncio.
        from asyncio import get_running_loop

        loop = get_running_loop()
        add, remove = (
            (loop.add_writer, loop.remove_writer)
            if self._to_write
            else (loop.add_reader, loop.remove_reader)
        )
        ready = loop.create_future()
        number = self._stream.fileno()
        try:
            add(number, _settle, ready, True)  # noqa: FBT003  # an argument of _settle
        except NotImplementedError:  # the loop of Windows, which anyio helps out
            return await self._anywhere(seconds)
        timer = loop.call_later(seconds, _settle, ready, False)  # noqa: FBT003
        try:
            return bool(await ready)
        finally:
            timer.cancel()
            remove(number)

    async def _anywhere(self, seconds: float) -> bool:
        # On asyncio this takes twice as long as the lines above.
        import anyio

        wait = anyio.wait_writable if self._to_write else anyio.wait_readable
        with anyio.move_on_after(seconds):
            await wait(self._stream)
            return True
        return False


class Landed:
    """
    Waits until *flight* has landed.
    """

    __slots__ = ("_deadline", "_flight")

    def __init__(self, flight: Future[Any], deadline: Deadline) -> None:
        self._flight = flight
        self._deadline = deadline

    def block(self) -> bool:
        """
        Whether it landed in time.
        """
        wait_for(self._flight, min(self._deadline.left(), LONGEST))
        return self._flight.done()

    async def suspend(self) -> bool:
        """
        As ``block``, while other tasks run.
        """
        await async_wait_for(self._flight, self._deadline.left())
        return self._flight.done()


def _polled(stream: socket.socket, seconds: float, to_write: bool) -> bool:  # noqa: FBT001
    # What a PollSelector does, in a fifth of the time.
    poll = select.poll()
    poll.register(stream, select.POLLOUT if to_write else select.POLLIN)
    return bool(poll.poll(math.ceil(seconds * 1000)))


def _selected(stream: socket.socket, seconds: float, to_write: bool) -> bool:  # noqa: FBT001
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_WRITE if to_write else selectors.EVENT_READ)
        return bool(selector.select(seconds))


# Windows has no poll().
_is_ready = _polled if hasattr(select, "poll") else _selected


def _settle(ready: Any, came: bool) -> None:  # noqa: FBT001
    # The loop may call twice before the task runs, and after it was cancelled.
    if not ready.done():
        ready.set_result(came)
