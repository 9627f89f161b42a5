"""
One thread or one task of a crew, and what it lets out.

Theory of operation: what leaves a thread is printed by the interpreter, and what
leaves a task is logged by its loop, with its text and its frames.  So nothing
does, but the cancellation of a task and Ctrl-C.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from careof._network.flights import context_of_the_caller
from careof._network.loops import in_trio


def started(work: Callable[[], object]) -> bool:
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


def quietly(work: Callable[[], object]) -> None:
    """
    Do *work*, and drop what it raises.
    """
    with contextlib.suppress(BaseException):
        work()


async def async_quietly(work: Callable[[], Awaitable[object]]) -> None:
    """
    Do *work*, and drop what it raises.
    """
    with contextlib.suppress(BaseException):
        await work()


def cancellable() -> AbstractContextManager[Any]:
    """
    What cancels the task that runs here.
    """
    if in_trio():
        import anyio

        return anyio.CancelScope()
    # A scope of anyio costs as much as the task itself.
    import asyncio

    return nullcontext(asyncio.current_task())


def shielded() -> AbstractContextManager[object]:
    """
    What holds off the cancelled scopes around it, of anyio or Trio.
    """
    import anyio

    try:
        return anyio.CancelScope(shield=True)
    except RuntimeError:  # no loop runs where one that waits is closed, as in a child
        return nullcontext()


def is_ctrl_c(error: BaseException) -> bool:
    """
    Whether *error* is a Ctrl-C, or a group with one in it: of a nursery inside.
    """
    if isinstance(error, BaseExceptionGroup):
        return error.subgroup(KeyboardInterrupt) is not None
    return isinstance(error, KeyboardInterrupt)
