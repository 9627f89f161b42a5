"""
Many callers at once: tasks of asyncio and Trio, threads, and all of them together.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import anyio
import trio

from careof import AsyncHttpResolver, HttpResolver
from careof.errors import CareofError
from tests.support.tokens import resolver, wait_until

TASKS = 200
THREADS = 50


def outcome_of(resolve):
    """
    The address that a blocking lookup finds, or its error.
    """
    try:
        return resolve("C-1").email.reveal()
    except CareofError as error:
        return error


async def async_outcome_of(resolve):
    """
    As ``outcome_of``, of a lookup that is awaited.
    """
    try:
        return (await resolve("C-1")).email.reveal()
    except CareofError as error:
        return error


def looked_up(shell, auth, server, **options):
    """
    What one lookup finds, its error included.
    """
    lookup = resolver(shell.HttpResolver, auth, server, **options)
    return shell.call(outcome_of if shell.name == "sync" else async_outcome_of, lookup.resolve)


async def tasks(lookup, number):
    """
    What *number* tasks of this loop get that resolve at once.
    """
    outcomes = []

    async def one():
        outcomes.append(await async_outcome_of(lookup.resolve))

    async with anyio.create_task_group() as group:
        for _ in range(number):
            group.start_soon(one)
    return outcomes


def in_asyncio(auth, server, **options):
    return asyncio.run(tasks(resolver(AsyncHttpResolver, auth, server, **options), TASKS))


def in_trio(auth, server, **options):
    return trio.run(tasks, resolver(AsyncHttpResolver, auth, server, **options), TASKS)


def in_threads(auth, server, **options):
    lookup = resolver(HttpResolver, auth, server, **options)
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(outcome_of, [lookup.resolve] * THREADS))


def all_at_once(crowds, auth, server, **options):
    """
    What all of *crowds* get, each in a thread of its own.
    """
    with ThreadPoolExecutor(len(crowds)) as pool:
        parts = list(pool.map(lambda crowd: crowd(auth, server, **options), crowds))
    return [outcome for part in parts for outcome in part]


def in_loops_and_threads(auth, server, **options):
    """
    Two loops of asyncio, two of Trio, and plain threads, all at once.
    """
    crowds = [in_asyncio, in_trio, in_asyncio, in_trio, in_threads]
    return all_at_once(crowds, auth, server, **options)


@contextlib.contextmanager
def held(server, *, until):
    """
    Let *server* answer token requests only when the condition *until* holds.
    """

    def release():
        try:
            wait_until(until)
        finally:
            server.release()

    server.hold()
    thread = threading.Thread(target=release)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def landed():
    """
    Wait until no token is being fetched any more.
    """
    for thread in threading.enumerate():
        if thread.name == "careof-tokens":
            thread.join(10)
            assert not thread.is_alive()


class StoppedLoop:
    """
    A loop in a thread that stops for ever, with all that it has begun, and is woken at the end.
    """

    def __init__(self, backend):
        self._backend = backend
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._thread = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._wake.set()
        self._thread.join(20)
        assert not self._thread.is_alive()

    def stop(self):
        """
        Stop, from a task of this loop: nothing runs on it any more.
        """
        self._stopped.set()
        assert self._wake.wait(20)

    def run(self, main):
        """
        Run *main* in it until it stops.
        """
        self._thread = threading.Thread(target=self._run, args=(main,))
        self._thread.start()
        assert self._stopped.wait(10)

    def _run(self, main):
        anyio.run(main, backend=self._backend)
