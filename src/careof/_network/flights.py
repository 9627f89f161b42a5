"""
Work that many wait for and nobody may cut off in the middle.

Theory of operation: a name look-up cannot be interrupted, and a token request
that a hundred callers wait for must not end because one of them gives up.  So
such work flies alone, in a daemon thread, once per key; whoever needs its
result joins the flight.  The result is a ``concurrent.futures.Future``:
threads wait for it with a timeout, tasks of asyncio and Trio are woken by a
callback into their own loop.  Nothing is bound to a loop, a caller that is
cancelled only stops waiting, and code on the thread of a waiting loop may wait
as well.  The work sees the context variables of whoever began it: a host may
keep there which tenant it works for.  A fork leaves the flights to the parent.
"""

from __future__ import annotations

import contextlib
import contextvars
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any

from careof._network.failures import copy_of, too_late
from careof._network.loops import RunningLoop
from careof._values.forks import begin_anew_after_fork
from careof.errors import CareofError, EndpointUnavailableError


class Flights:
    """
    At most one piece of work per key at a time, and a bounded number in all.

    Args:
        name: What the threads are called.
        limit: How many threads there may be.
        patience: Seconds after which a flight that has not landed is given up
            and replaced; its thread cannot be ended and is left alone.
        per_key: How many threads one key may have, those left alone included.
    """

    def __init__(self, name: str, *, limit: int, patience: float, per_key: int = 4) -> None:
        self._name = name
        self._limit = limit
        self._per_key = per_key
        self._patience = patience
        self._lock = threading.Lock()
        # Until when each is waited for, on the clock of this process.
        self._under_way: dict[Hashable, tuple[float, Future[Any]]] = {}
        self._threads: Counter[Hashable] = Counter()

    def under_way(self, key: Hashable) -> Future[Any] | None:
        """
        The flight for *key*, or None; a way to join it without any work at hand.
        """
        until, flight = self._under_way.get(key, (0.0, None))
        return flight if time.monotonic() < until else None

    def join(
        self, key: Hashable, work: Callable[[], Any], *, patience: float | None = None
    ) -> Future[Any]:
        """
        The flight for *key*, begun now if there is none.

        Its result is what *work* returns, or a ``CareofError``: it never raises.

        Args:
            patience: As that of all flights, for one that has its own.
        """
        begin_anew_after_fork(self)
        with self._lock:
            flight = self.under_way(key)
            if flight is not None:
                return flight
            flight = Future()
            # A future that is pending can be cancelled by anyone who waits.
            flight.set_running_or_notify_cancel()
            if self._threads.total() >= self._limit or self._threads[key] >= self._per_key:
                flight.set_result(_busy(self._name))
                return flight
            self._threads[key] += 1
            until = time.monotonic() + (self._patience if patience is None else patience)
            self._under_way[key] = (until, flight)
        try:
            threading.Thread(
                target=context_of_the_caller().run,
                args=(self._fly, key, flight, work),
                name=f"careof-{self._name}",
                daemon=True,
            ).start()
        except RuntimeError:  # no more threads, or the interpreter is ending
            self._land(key, flight, _busy(self._name))
        return flight

    def share(self, key: Hashable, other: Hashable) -> None:
        """
        Let whoever asks for *other* join the flight for *key*, until it lands or
        is given up.
        """
        with self._lock:
            if key in self._under_way:
                self._under_way[other] = self._under_way[key]

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
            self._under_way = {
                place: entry for place, entry in self._under_way.items() if entry[1] is not flight
            }
            self._threads[key] -= 1
            if not self._threads[key]:
                del self._threads[key]
        flight.set_result(result)

    def _begin_anew(self) -> None:
        # The lock may have been held by a thread that the child does not have.
        self._lock = threading.Lock()
        self._under_way = {}
        self._threads = Counter()


def wait_for(flight: Future[Any], seconds: float) -> None:
    """
    Block until *flight* has landed, at most for *seconds*.
    """
    with contextlib.suppress(TimeoutError):
        flight.result(timeout=seconds)


async def async_wait_for(flight: Future[Any], seconds: float) -> None:
    """
    As ``wait_for``, while other tasks run.
    """
    if flight.done():
        return
    import anyio

    event = anyio.Event()
    loop = RunningLoop()

    def wake(_: Future[Any]) -> None:
        # The loop of a caller that gave up may be closed by now.
        with contextlib.suppress(RuntimeError):
            loop.call_soon(event.set)

    flight.add_done_callback(wake)
    with anyio.move_on_after(seconds):
        await event.wait()


def result_of(flight: Future[Any], step: str) -> Any:
    """
    What *flight* brought, or the error; one that has not landed is too late.

    Args:
        step: The step that waited for it, which the error names.
    """
    if not flight.done():
        return too_late(step)
    result = flight.result()
    if isinstance(result, CareofError):
        # Each who waited raises an error of its own: a traceback belongs to
        # one thread.
        return copy_of(result, step=step)
    return result


def context_of_the_caller() -> contextvars.Context:
    """
    The context variables of the caller, for a thread where no loop runs.
    """
    context = contextvars.copy_context()
    sniffio: Any = sys.modules.get("sniffio")
    if sniffio is not None:
        # anyio.run notes there that a loop runs in this thread; none runs in ours.
        context.run(sniffio.current_async_library_cvar.set, None)
    return context


def _busy(name: str) -> CareofError:
    return EndpointUnavailableError(
        f"Too much work on {name} is under way already: try later.", detail=f"{name}_busy"
    )
