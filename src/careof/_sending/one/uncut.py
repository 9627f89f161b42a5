"""
Asynchronous work that a cancellation does not cut off.

Theory of operation: a storage that is asked to keep something answers late or
not at all if its caller is cancelled meanwhile, and then nobody knows whether it
was kept.  A scope of anyio or Trio can be shielded.  asyncio's own
``Task.cancel`` knows no shield, so there the work goes on in a task of its own,
and the cancellation is raised when its answer is there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from careof._network.loops import in_trio

T = TypeVar("T")


async def uncut(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    """
    What *work* returns or raises, also if the caller is cancelled meanwhile.

    Raises:
        TimeoutError: It took longer than *seconds*.
    """
    import anyio

    if in_trio():
        with anyio.fail_after(seconds, shield=True):
            return await work()

    import asyncio

    task = asyncio.get_running_loop().create_task(_timed(work, seconds))
    # A loop that ends cancels every task that it knows of, and waits for them: for
    # the caller, who waits for this one.
    asyncio._unregister_task(task)
    cancelled: BaseException | None = None
    with anyio.CancelScope(shield=True):
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
    if cancelled is not None:
        with contextlib.suppress(BaseException):
            task.result()  # or asyncio would say that nobody asked for it
        raise cancelled
    return task.result()


async def _timed(work: Callable[[], Awaitable[T]], seconds: float) -> T:
    import anyio

    with anyio.fail_after(seconds):
        return await work()
