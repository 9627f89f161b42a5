"""
Work that a thread sends to an event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import gc
import sys
import threading
import time
import types
import weakref

import anyio
import pytest
from anyio import to_thread

from careof._network.loops import RunningLoop, in_trio
from tests.support.crowds import StoppedLoop

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
    begun = threading.Event()
    may_end = []

    async def waits():
        future = asyncio.get_running_loop().create_future()
        may_end.append(weakref.ref(future))
        begun.set()
        return await future

    async def main():
        sender = Sender(RunningLoop(), waits, 10.0)
        await to_thread.run_sync(begun.wait, 10)
        gc.collect()
        may_end[0]().set_result("done")
        await to_thread.run_sync(sender.join, 10)
        return sender.outcome

    assert anyio.run(main) == "done"


KINDS = [asyncio.CancelledError, GeneratorExit, BaseExceptionGroup]


def outcome_of_a_raise(backend, kind):
    """
    What a sender is told whose work raises *kind*.
    """

    async def fails():
        await anyio.lowlevel.checkpoint()
        raise kind("hidden", [GeneratorExit()]) if kind is BaseExceptionGroup else kind

    async def main():
        sender = Sender(RunningLoop(), fails, 10.0)
        await to_thread.run_sync(sender.join, 10)
        return sender.outcome

    return anyio.run(main, backend=backend)


@pytest.mark.parametrize("kind", [*KINDS, KeyboardInterrupt, SystemExit])
def test_nothing_that_the_work_raises_ends_a_run_of_trio(kind):
    assert outcome_of_a_raise("trio", kind) is TimeoutError


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_what_the_work_raises_is_told_by_asyncio(kind, caplog):
    assert outcome_of_a_raise("asyncio", kind) is TimeoutError
    gc.collect()
    assert caplog.records == []


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_in_asyncio_ctrl_c_is_heard_in_the_midst_of_the_work(kind):
    async def interrupted():
        await anyio.lowlevel.checkpoint()
        raise kind

    senders = []

    async def main():
        senders.append(Sender(RunningLoop(), interrupted, 10.0))
        await anyio.sleep(20)

    with pytest.raises(kind):
        anyio.run(main)
    senders[0].join(10)
    gc.collect()  # asyncio logs that nobody asked the task for it: not in a later test

    assert senders[0].outcome is TimeoutError


def test_work_that_comes_while_trio_ends_does_no_harm():
    """
    Its nursery takes no more tasks, and an error there would end the whole run.
    """
    kept, senders = [], []

    async def generator():
        try:
            yield
        finally:
            with anyio.CancelScope(shield=True):
                senders.append(Sender(kept[0], nothing, 10.0))
                await anyio.sleep(0.2)

    async def main():
        iterator = generator()
        kept.extend([RunningLoop(), iterator])
        await anext(iterator)
        return "result"

    assert anyio.run(main, backend="trio") == "result"
    senders[0].join(10)
    assert senders[0].outcome is TimeoutError


@backends
def test_a_scope_that_the_work_leaves_open_ends_no_run(backend):
    left_open = []

    async def careless():
        await anyio.lowlevel.checkpoint()
        left_open.append(anyio.CancelScope())
        left_open[0].__enter__()
        return "done"

    assert sent(backend, careless) == "done"


def test_a_host_may_make_its_tasks_itself():
    async def main():
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coroutine: asyncio.Task(coroutine, loop=loop))
        return await to_thread.run_sync(RunningLoop().run, nothing, 10.0)

    assert asyncio.run(main()) == "done"


def test_a_task_that_cannot_be_made_is_told_at_once(caplog):
    def fails(loop, _coroutine):
        loop.set_task_factory(None)
        raise OSError

    async def main():
        loop = asyncio.get_running_loop()
        loop.set_task_factory(fails)
        sender = Sender(RunningLoop(), nothing, 10.0)
        await to_thread.run_sync(sender.join, 5)
        return sender.outcome

    assert asyncio.run(main()) is TimeoutError
    gc.collect()  # a coroutine that nobody awaits would warn here
    assert caplog.records == []


@backends
def test_an_error_holds_nothing_of_the_work(backend):
    class Request:
        pass

    async def main():
        loop = RunningLoop()
        request = Request()

        async def fails(_request):
            await anyio.lowlevel.checkpoint()
            raise OSError

        def send(request):
            with contextlib.suppress(OSError):
                loop.run(functools.partial(fails, request), 10.0)

        await to_thread.run_sync(send, request)
        held = weakref.ref(request)
        del request
        # anyio's thread drops what it was given after its caller may go on.
        with anyio.move_on_after(5):
            while held() is not None:  # noqa: ASYNC110 - it drops them without a word
                await anyio.sleep(0.01)
        return held()

    gc.disable()
    try:
        assert anyio.run(main, backend=backend) is None
    finally:
        gc.enable()


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
def test_nobody_waits_for_work_that_its_loop_never_began(backend):
    """
    As with an asyncio.run for each lookup: it ends with what came last on its list.
    """
    senders = []

    async def main():
        sender = Sender(RunningLoop(), nothing, 60.0)
        senders.append(sender)
        sender.join(0.05)  # the loop is held up, and ends as soon as it goes on

    anyio.run(main, backend=backend)
    senders[0].join(10)

    assert senders[0].outcome in (TimeoutError, "done")
    assert senders[0].took < 10


def test_a_loop_that_is_closed_with_its_work_in_the_air_is_noticed():
    loop = asyncio.new_event_loop()
    senders = []

    async def main():
        senders.append(Sender(RunningLoop(), functools.partial(asyncio.sleep, 60), 60.0))
        await asyncio.sleep(0.05)

    loop.run_until_complete(main())
    tasks = asyncio.all_tasks(loop)
    loop.close()
    senders[0].join(10)

    assert senders[0].outcome is TimeoutError
    assert senders[0].took < 10
    for task in tasks:
        task._log_destroy_pending = False


@pytest.mark.parametrize("seconds", [1e10, 1e300])
def test_a_time_that_is_longer_than_any_clock_is_a_time(seconds):
    assert sent("asyncio", nothing, seconds=seconds) == "done"


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


@backends
def test_a_loop_that_was_held_up_does_not_begin_what_comes_too_late(backend):
    """
    Its sender may have given up, and sent a refresh token somewhere else.
    """

    begun = []

    async def late():
        await anyio.lowlevel.checkpoint()
        begun.append("late")

    async def main():
        sender = Sender(RunningLoop(), late, 0.05, grace=20)
        sender.join(0.2)  # holds the loop up, on purpose
        await to_thread.run_sync(sender.join, 10)
        return sender

    sender = anyio.run(main, backend=backend)

    assert sender.outcome is TimeoutError
    assert sender.took < 10
    assert begun == []


@backends
def test_a_loop_has_its_grace_and_no_more(backend):
    async def main():
        sender = Sender(RunningLoop(), nothing, 0.05, grace=0.1)
        sender.join(10)  # holds the loop up, on purpose
        return sender

    sender = anyio.run(main, backend=backend)

    assert sender.outcome is TimeoutError
    assert 0.14 < sender.took < 9


def test_a_trio_that_another_thread_is_importing_runs_no_task_here(monkeypatch):
    half = types.ModuleType("trio")
    monkeypatch.setitem(sys.modules, "trio", half)
    without_names = in_trio()
    half.lowlevel = types.ModuleType("trio.lowlevel")

    assert (without_names, in_trio()) == (False, False)
