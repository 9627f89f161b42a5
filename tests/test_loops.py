"""
Work that a thread sends to an event loop.
"""

from __future__ import annotations

import contextvars
import functools
import gc
import threading
import time

import anyio
import pytest
from anyio import to_thread

from careof._network import loops
from careof._network.loops import RunningLoop
from tests.support.crowds import StoppedLoop
from tests.support.tokens import wait_until

BACKENDS = ["asyncio", "trio"]
backends = pytest.mark.parametrize("backend", BACKENDS)

tenant = contextvars.ContextVar("tenant")


class Sender(threading.Thread):
    """
    A thread that sends *work* to *loop*; its outcome, and how many seconds that took.
    """

    def __init__(self, loop, work, seconds, grace=0.0):
        super().__init__()
        self._send = functools.partial(loop.run, work, seconds, grace=grace)
        self.outcome = self.took = None
        self.start()

    def run(self):
        began = time.monotonic()
        try:
            self.outcome = self._send()
        except Exception as error:
            self.outcome = type(error)
        self.took = time.monotonic() - began


async def nothing():
    await anyio.lowlevel.checkpoint()
    return "done"


def sent(backend, work, seconds=10.0):
    """
    What comes back from *work* that another thread sends to a loop.
    """

    async def main():
        return await to_thread.run_sync(RunningLoop().run, work, seconds)

    return anyio.run(main, backend=backend)


@backends
def test_a_thread_gets_what_the_work_returns(backend):
    assert sent(backend, nothing) == "done"


@backends
def test_a_thread_gets_what_the_work_raises_and_the_loop_goes_on(backend):
    class HostsError(Exception):
        pass

    async def fails():
        await anyio.lowlevel.checkpoint()
        raise HostsError

    async def main():
        loop = RunningLoop()
        with pytest.raises(HostsError):
            await to_thread.run_sync(loop.run, fails, 10.0)
        return await to_thread.run_sync(loop.run, nothing, 10.0)

    assert anyio.run(main, backend=backend) == "done"


@backends
def test_the_work_is_ended_when_its_time_is_over(backend):
    ended = threading.Event()

    async def hangs():
        try:
            await anyio.sleep(30)
        finally:
            ended.set()

    async def main():
        with pytest.raises(TimeoutError):
            await to_thread.run_sync(RunningLoop().run, hangs, 0.05)
        await to_thread.run_sync(ended.wait, 10)

    anyio.run(main, backend=backend)

    assert ended.is_set()
    assert not loops._tasks


@backends
def test_no_time_is_none(backend):
    async def long():
        await anyio.sleep(0.05)

    with pytest.raises(TimeoutError):
        sent(backend, long, seconds=-1.0)


@backends
def test_the_work_sees_the_context_of_the_thread(backend):
    async def read():
        await anyio.lowlevel.checkpoint()
        return tenant.get(None)

    def in_thread(loop):
        tenant.set("kim")
        return loop.run(read, 10.0)

    async def main():
        return await to_thread.run_sync(in_thread, RunningLoop()), tenant.get(None)

    assert anyio.run(main, backend=backend) == ("kim", None)


def test_a_task_that_waits_is_not_collected():
    """
    A loop of asyncio keeps no hold on it.
    """

    async def waits():
        await anyio.Event().wait()

    async def main():
        sender = Sender(RunningLoop(), waits, 0.2)
        await to_thread.run_sync(wait_until, lambda: loops._tasks)
        gc.collect()
        held = len(loops._tasks)
        await to_thread.run_sync(sender.join, 10)
        return held, sender.outcome

    assert anyio.run(main) == (1, TimeoutError)
    assert not loops._tasks


@backends
def test_a_loop_that_has_ended_takes_nothing(backend):
    async def main():
        return RunningLoop()

    loop = anyio.run(main, backend=backend)

    with pytest.raises(RuntimeError):
        loop.run(nothing, 10.0)


@backends
def test_nobody_waits_for_work_that_its_loop_took_along(backend):
    begun = threading.Event()

    async def hangs():
        begun.set()
        await anyio.sleep(60)

    async def main():
        sender = Sender(RunningLoop(), hangs, 60.0)
        await to_thread.run_sync(begun.wait, 10)
        return sender

    sender = anyio.run(main, backend=backend)
    sender.join(10)

    assert sender.outcome is TimeoutError


@backends
def test_nobody_waits_for_ever_for_a_loop_that_stands_still(backend):
    """
    Through anyio's own way into a loop: a thread that never ended, and a coroutine
    that was never awaited.
    """
    handed_over = []

    with StoppedLoop(backend) as stopped:

        async def main():
            handed_over.append(RunningLoop())
            stopped.stop()

        stopped.run(main)
        with pytest.raises(TimeoutError):
            handed_over[0].run(nothing, 0.05)

    gc.collect()  # a coroutine that nobody awaits would warn here
    assert not loops._tasks


@backends
def test_a_loop_that_was_held_up_ends_what_comes_too_late(backend):
    """
    The time of the work is counted from when it was sent.
    """

    async def late():
        await anyio.sleep(30)

    async def main():
        sender = Sender(RunningLoop(), late, 0.05, grace=20)
        sender.join(0.2)  # holds the loop up, on purpose
        await to_thread.run_sync(sender.join, 10)
        return sender

    sender = anyio.run(main, backend=backend)

    assert sender.outcome is TimeoutError
    assert sender.took < 10


@backends
def test_a_loop_has_its_grace_and_no_more(backend):
    async def main():
        sender = Sender(RunningLoop(), nothing, 0.05, grace=0.1)
        sender.join(10)  # holds the loop up, on purpose
        return sender

    sender = anyio.run(main, backend=backend)

    assert sender.outcome is TimeoutError
    assert 0.14 < sender.took < 9
