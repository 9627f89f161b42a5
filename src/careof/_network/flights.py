"""
Work that many wait for and nobody may cut off in the middle.

Theory of operation: a name look-up cannot be interrupted, and a token request
that a hundred callers wait for must not end because one of them gives up.  So
such work flies alone, in a daemon thread, once per key; whoever needs its
result joins the flight.  The result is a ``concurrent.futures.Future``:
threads wait for it with a timeout, tasks of asyncio and Trio are woken by a
callback into their own loop.  Nothing is bound to a loop, a caller that is
cancelled only stops waiting, and code on the thread of a waiting loop may wait
as well.  A fork leaves the flights to the parent.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from careof.errors import CareofError, EndpointUnavailableError


class Flights:
    """
    At most one piece of work per key at a time, and a bounded number in all.

    Args:
        name: What the threads are called.
        limit: How many may be under way.
        patience: Seconds after which a flight that has not landed is given up
            and replaced; its thread cannot be ended and is left alone.
    """

    def __init__(self, name: str, *, limit: int, patience: float) -> None:
        self._name = name
        self._limit = limit
        self._patience = patience
        self._lock = threading.Lock()
        self._under_way: dict[Hashable, tuple[float, Future[Any]]] = {}
        self._watches_forks = False

    def join(self, key: Hashable, work: Callable[[], Any]) -> Future[Any]:
        """
        The flight for *key*, begun now if there is none.

        Its result is what *work* returns, or a ``CareofError``: it never raises.
        """
        now = time.monotonic()
        with self._lock:
            self._watch_forks()
            begun, flight = self._under_way.get(key, (0.0, None))
            if flight is not None and now - begun < self._patience:
                return flight
            flight = Future()
            # A future that is pending can be cancelled by anyone who waits.
            flight.set_running_or_notify_cancel()
            if len(self._under_way) >= self._limit and key not in self._under_way:
                flight.set_result(_busy(self._name))
                return flight
            self._under_way[key] = (now, flight)
        try:
            threading.Thread(
                target=self._fly,
                args=(key, flight, work),
                name=f"careof-{self._name}",
                daemon=True,
            ).start()
        except RuntimeError:  # no more threads, or the interpreter is ending
            self._land(key, flight, _busy(self._name))
        return flight

    def _fly(self, key: Hashable, flight: Future[Any], work: Callable[[], Any]) -> None:
        try:
            result = work()
        except BaseException as error:
            result = EndpointUnavailableError(
                f"Work on {self._name} failed ({type(error).__name__}).",
                detail=type(error).__name__,
            )
        self._land(key, flight, result)

    def _land(self, key: Hashable, flight: Future[Any], result: object) -> None:
        with self._lock:
            # Off the board before anybody is told, so that nobody joins a
            # flight that has landed; and never another one under the same key.
            if self._under_way.get(key, (0.0, None))[1] is flight:
                del self._under_way[key]
        flight.set_result(result)

    def _watch_forks(self) -> None:
        if not self._watches_forks and hasattr(os, "register_at_fork"):
            self._watches_forks = True
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        # The lock may have been held by a thread that the child does not have.
        self._lock = threading.Lock()
        self._under_way = {}


def landed(flight: Future[Any], seconds: float) -> bool:
    """
    Block until *flight* has landed, at most for *seconds*; whether it has.
    """
    with contextlib.suppress(TimeoutError):
        flight.result(timeout=seconds)
    return flight.done()


async def async_landed(flight: Future[Any], seconds: float) -> bool:
    """
    As ``landed``, while other tasks run.
    """
    if flight.done():
        return True
    import anyio

    event = anyio.Event()
    call_soon = _into_this_loop()

    def wake(_: Future[Any]) -> None:
        # The loop of a caller that gave up may be closed by now.
        with contextlib.suppress(RuntimeError):
            call_soon(event.set)

    flight.add_done_callback(wake)
    with anyio.move_on_after(seconds):
        await event.wait()
    return flight.done()


def _into_this_loop() -> Callable[[Callable[[], object]], object]:
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_task():
        run_sync_soon: Callable[[Callable[[], object]], object]
        run_sync_soon = trio.lowlevel.current_trio_token().run_sync_soon
        return run_sync_soon
    import asyncio

    return asyncio.get_running_loop().call_soon_threadsafe


def _busy(name: str) -> CareofError:
    return EndpointUnavailableError(
        f"Too much work on {name} is under way already: try later.", detail=f"{name}_busy"
    )
