"""
Asynchronous work that a cancellation does not cut off.

Theory of operation: a storage that is asked to keep something answers late or
not at all if its caller is cancelled meanwhile, and then nobody knows whether it
was kept.  A scope of anyio or Trio can be shielded.  asyncio's own
``Task.cancel`` knows no shield, so there the work goes on in a task of its own,
and the cancellation is raised when its answer is there.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from careof._network.loops import in_trio

T = TypeVar("T")


async def kept(work: Callable[[], Awaitable[T]], seconds: float, *, repeatable: bool = False) -> T:
    """
    What *work* returns or raises, also if the caller is cancelled meanwhile.

    Args:
        repeatable: Whether it may be done once more, where the loop ended it.

    Raises:
        TimeoutError: It took longer than *seconds*.
    """
    import anyio

    if in_trio():
        with anyio.fail_after(seconds, shield=True):
            return await work()

    import asyncio

    begin = asyncio.get_running_loop().create_task
    task = begin(_timed(work, seconds))
    cancelled: BaseException | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
            # Its loop cancels all that there is when it ends, and waits for that.
            if task.cancelled() and repeatable:
                task, repeatable = begin(_timed(work, seconds)), False
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # or asyncio would say that nobody asked for it
        raise cancelled
    return task.result()


async def _timed(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    import anyio

    with anyio.fail_after(seconds):
        return await work()
