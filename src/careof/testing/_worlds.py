"""
The worlds that one strategy has to live in: threads, asyncio, Trio, a child after ``fork()``.

Everything runs in daemon threads, so that what hangs fails instead, and so
that an event loop can be started wherever a test runs.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import select
import signal
import threading
import warnings
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from typing import Any, TypeVar

import httpx

from careof.errors import DestinationRefusedError
from careof.testing._auth_endpoint import AuthEndpoint, async_resolver, resolver

T = TypeVar("T")
Outcome = Exception | None  # the error of a lookup, or None if it found its contact
World = Callable[[httpx.Auth, AuthEndpoint, int], list[Outcome]]

HANGS = "waits for ever"
_LOOKUP_HANGS = (
    "a lookup has not ended. Is a lock held while the strategy yields, or waited for in an async "
    "flow? Leave both flows to TokenAuth."
)


def worlds() -> dict[str, World]:
    """
    The ways to look a contact up so many times at once, by name.
    """
    # Whoever has no Trio is no worse off in a second loop of asyncio.
    trio = "trio" if importlib.util.find_spec("trio") else "asyncio"
    return {
        "in threads": _in_threads,
        "in asyncio": functools.partial(_in_a_loop, "asyncio"),
        "in Trio": functools.partial(_in_a_loop, trio),
    }


def begin(work: Callable[[], T]) -> Future[T]:
    """
    What *work* returns, in a thread of its own.
    """
    flight: Future[T] = Future()
    threading.Thread(target=_fly, args=(flight, work), daemon=True).start()
    return flight


def at_once(
    works: Iterable[Callable[[], T]], patience: float, hangs: str = _LOOKUP_HANGS
) -> list[T]:
    """
    What *works* return, each in a thread of its own.

    Raises:
        AssertionError: One of them has not ended after *patience* seconds.
    """
    flights = [begin(work) for work in works]
    done, others = wait(flights, timeout=patience, return_when=FIRST_EXCEPTION)
    for flight in done:
        flight.result()  # what it raises is the reason why others wait
    if others:
        raise AssertionError(f"After {patience:g} seconds {hangs}")
    return [flight.result() for flight in flights]


def in_a_child(work: Callable[[], str], patience: float) -> str:
    """
    What *work* returns in a forked child, or that it hangs there.
    """
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        # Newer Pythons warn of exactly what is proved here.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork() or report(work, writing)
    os.close(writing)
    has_said, _, _ = select.select([reading], [], [], patience)
    if not has_said:
        os.kill(child, signal.SIGKILL)
    said = os.read(reading, 4096).decode() if has_said else HANGS
    os.close(reading)
    os.waitpid(child, 0)
    return said


def report(
    work: Callable[[], str], writing: int, leave: Callable[[int], object] = os._exit
) -> int:
    """
    The child's part: write what *work* returns, and leave without a word to anybody else.
    """
    try:
        said = work()
    except BaseException as error:
        said = f"fails with {type(error).__name__}"
    os.write(writing, said.encode())
    leave(0)
    return 0


def _fly(flight: Future[Any], work: Callable[[], object]) -> None:
    try:
        result = work()
    except BaseException as error:
        flight.set_exception(error)
    else:
        flight.set_result(result)


def _in_threads(auth: httpx.Auth, endpoint: AuthEndpoint, number: int) -> list[Outcome]:
    try:
        asked = resolver(auth, endpoint)
    except DestinationRefusedError as error:  # bound to another origin than this one
        return [error] * number

    def one() -> Outcome:
        try:
            asked.resolve("C-1")
        except Exception as error:
            return error
        return None

    flights = [begin(one) for _ in range(number)]
    return [flight.result() for flight in flights]


def _in_a_loop(
    backend: str, auth: httpx.Auth, endpoint: AuthEndpoint, number: int
) -> list[Outcome]:
    # Late, so that importing careof.testing imports no anyio.
    import anyio

    try:
        asked = async_resolver(auth, endpoint)
    except DestinationRefusedError as error:  # as above
        return [error] * number
    outcomes: list[Outcome] = []

    async def one() -> None:
        outcome: Outcome = None
        try:
            await asked.resolve("C-1")
        except Exception as error:
            outcome = error
        outcomes.append(outcome)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(number):
                group.start_soon(one)

    anyio.run(main, backend=backend)
    return outcomes
