from __future__ import annotations

import asyncio
import os
import resource
import socket
import threading
import time
from concurrent.futures import Future

import anyio
import pytest
import trio

from careof._network.limits import Deadline
from careof._network.waits import Landed, Ready, _polled, _selected, async_drive
from careof._values.clock import SYSTEM_CLOCK
from careof.testing import FakeClock
from tests.support.steps import driven, waited
from tests.support.streams import fill, tcp_pair

asynchronous = pytest.mark.parametrize("shell", ["asyncio", "trio"], indirect=True)
both_directions = pytest.mark.parametrize("to_write", [False, True])


def within(seconds):
    return Deadline(SYSTEM_CLOCK, seconds)


# How steps are driven


class Known:
    """
    A wait whose end is known, or that raises.
    """

    def __init__(self, came):
        self._came = came

    def block(self):
        if isinstance(self._came, BaseException):
            raise self._came
        return self._came

    async def suspend(self):
        await anyio.lowlevel.checkpoint()
        return self.block()


class Steps:
    """
    Steps that wait for each of *waits*, and know what they heard and whether they are over.
    """

    def __init__(self, *waits, error=None):
        self.heard = []
        self.is_over = False
        # Kept, so that only closing them ends them.
        self.running = self._run(waits, error)

    def _run(self, waits, error):
        try:
            for wait in waits:
                self.heard.append((yield wait))
            if error is not None:
                raise error
            return "the value"
        finally:
            self.is_over = True


def test_what_the_steps_return_comes_back(shell):
    assert driven(shell, Steps(Known(True), Known(False)).running) == "the value"


def test_steps_that_wait_for_nothing_return_as_well(shell):
    assert driven(shell, Steps().running) == "the value"


def test_the_steps_hear_of_each_wait_whether_it_came(shell):
    steps = Steps(Known(True), Known(False), Known(True))
    driven(shell, steps.running)

    assert steps.heard == [True, False, True]


@pytest.mark.parametrize("error", [OSError("theirs"), KeyboardInterrupt(), TimeoutError()])
def test_what_the_steps_raise_comes_out(shell, error):
    with pytest.raises(type(error)) as caught:
        driven(shell, Steps(Known(True), error=error).running)

    assert caught.value is error


@pytest.mark.parametrize("error", [ValueError("ours"), KeyboardInterrupt(), SystemExit()])
def test_steps_are_closed_when_a_wait_is_broken_off(shell, error):
    """
    Their sockets are closed in a ``finally`` of theirs.
    """
    steps = Steps(Known(True), Known(error))
    with pytest.raises(type(error)) as caught:
        driven(shell, steps.running)

    assert caught.value is error
    assert (steps.heard, steps.is_over) == ([True], True)


def cancelled_while_waiting(shell, wait):
    """
    Cancel the task that drives *wait*; what its loop has left to watch, and its steps.
    """
    steps = Steps(wait)

    async def in_asyncio():
        task = asyncio.create_task(async_drive(steps.running))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def in_trio():
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(async_drive, steps.running)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        assert scope.cancelled_caught

    shell.call(in_asyncio if shell.name == "asyncio" else in_trio)
    return steps


@asynchronous
@both_directions
def test_steps_are_closed_when_their_task_is_cancelled(shell, to_write):
    with tcp_pair() as (ours, _):
        if to_write:
            fill(ours)
        steps = cancelled_while_waiting(shell, Ready(ours, within(10), to_write=to_write))

    assert (steps.heard, steps.is_over) == ([], True)


# Waiting for a socket


def test_a_socket_that_can_be_read_is_ready(shell):
    with tcp_pair() as (ours, theirs):
        theirs.send(b"x")

        assert waited(shell, Ready(ours, within(5), to_write=False)) is True


def test_a_socket_that_can_be_written_is_ready(shell):
    with tcp_pair() as (ours, _):
        assert waited(shell, Ready(ours, within(5), to_write=True)) is True


def test_the_end_of_a_stream_can_be_read(shell):
    with tcp_pair() as (ours, theirs):
        theirs.close()

        assert waited(shell, Ready(ours, within(5), to_write=False)) is True


@pytest.mark.parametrize("is_ready", [_polled, _selected])
def test_with_poll_and_without_a_wait_is_the_same(is_ready):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        before = [is_ready(ours, 0.001, to_write) for to_write in (False, True)]
        theirs.send(b"x")
        after = is_ready(ours, 5.0, to_write=False)

    assert (before, after) == ([False, True], True)


def test_it_waits_until_there_is_something_to_read(shell):
    with tcp_pair() as (ours, theirs):
        sending = threading.Timer(0.02, theirs.send, [b"x"])
        sending.start()
        is_ready = waited(shell, Ready(ours, within(5), to_write=False))
        received = ours.recv(1)
        sending.join()

    assert (is_ready, received) == (True, b"x")


def test_it_waits_until_there_is_room_to_write(shell):
    with tcp_pair() as (ours, theirs):
        fill(ours)
        reading = threading.Timer(0.02, drained, [theirs])
        reading.start()
        is_ready = waited(shell, Ready(ours, within(5), to_write=True))
        ours.close()
        reading.join()

    assert is_ready is True


def drained(stream):
    while stream.recv(1_000_000):
        pass


def test_something_to_read_is_no_room_to_write(shell):
    with tcp_pair() as (ours, theirs):
        fill(ours)
        theirs.send(b"x")

        assert waited(shell, Ready(ours, within(0.02), to_write=True)) is False


def test_room_to_write_is_nothing_to_read(shell):
    with tcp_pair() as (ours, _):
        assert waited(shell, Ready(ours, within(0.02), to_write=False)) is False


@both_directions
def test_after_its_deadline_nothing_is_ready(shell, to_write):
    """
    Or a server that never pauses would keep a call for ever.
    """
    clock = FakeClock()
    deadline = Deadline(clock, 5)
    clock.advance(5)
    with tcp_pair() as (ours, theirs):
        theirs.send(b"x")

        assert waited(shell, Ready(ours, deadline, to_write=to_write)) is False


def test_a_wait_ends_with_its_deadline(shell):
    with tcp_pair() as (ours, _):
        began = time.monotonic()
        is_ready = waited(shell, Ready(ours, within(0.05), to_write=False))
        lasted = time.monotonic() - began

    assert is_ready is False
    assert 0.04 < lasted < 3


@pytest.mark.parametrize("seconds", [3e6, 1e10, 1e300])
def test_a_deadline_may_be_as_far_away_as_one_likes(shell, seconds):
    """
    The kernel and the threads count in numbers that end.
    """
    flight = Future()
    landing = threading.Timer(0.02, flight.set_result, ["done"])
    landing.start()
    with tcp_pair() as (ours, _):
        is_ready = waited(shell, Ready(ours, within(seconds), to_write=True))
        has_landed = waited(shell, Landed(flight, within(seconds)))
    landing.join()

    assert (is_ready, has_landed) == (True, True)


def test_a_socket_can_be_waited_for_in_one_loop_after_another(shell):
    with tcp_pair() as (ours, theirs):
        theirs.send(b"x")
        waits = [
            waited(shell, Ready(ours, within(5), to_write=to_write))
            for to_write in (False, True, False)
        ]

    assert waits == [True, True, True]


@pytest.fixture
def many_files():
    """
    Let this process open more than 1024 files, if it may.
    """
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if before[1] == resource.RLIM_INFINITY else min(before[1], 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, before[1]))
    yield most
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@both_directions
def test_a_socket_with_a_large_number_is_waited_for(shell, many_files, to_write):
    """
    ``select()`` takes none above 1023.
    """
    with tcp_pair() as (ours, theirs):
        theirs.send(b"x")
        number = os.dup2(ours.fileno(), many_files - 1)
        with socket.socket(fileno=number) as high:
            is_ready = waited(shell, Ready(high, within(5), to_write=to_write))

    assert is_ready is True


# What is left in the loop of asyncio


def is_watched(loop, stream):
    """
    Whether *loop* watches *stream*.  Removes what it finds.
    """
    return loop.remove_reader(stream.fileno()) or loop.remove_writer(stream.fileno())


@both_directions
@pytest.mark.parametrize("seconds, came", [(5, True), (0.01, False)])
def test_after_a_wait_the_loop_watches_the_socket_no_more(to_write, seconds, came):
    async def main():
        is_ready = await Ready(ours, within(seconds), to_write=to_write).suspend()
        return is_ready, is_watched(asyncio.get_running_loop(), ours)

    with tcp_pair() as (ours, theirs):
        if came:
            theirs.send(b"x")
        else:
            fill(ours)
        result = asyncio.run(main())

    assert result == (came, False)


@both_directions
def test_after_a_cancelled_wait_the_loop_watches_the_socket_no_more(to_write):
    async def main():
        loop = asyncio.get_running_loop()
        task = loop.create_task(Ready(ours, within(10), to_write=to_write).suspend())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return is_watched(loop, ours)

    with tcp_pair() as (ours, _):
        fill(ours)

        assert asyncio.run(main()) is False


class Hurried(asyncio.SelectorEventLoop):
    """
    A loop whose clock a test moves.
    """

    ahead = 0.0

    def time(self):
        return super().time() + self.ahead


def run_in(loop, main):
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(main())


def test_a_byte_that_comes_with_the_deadline_has_come():
    """
    The loop then calls for both, one after the other.
    """
    loop = Hurried()
    complaints = []
    loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))

    async def main():
        task = loop.create_task(Ready(ours, within(10), to_write=False).suspend())
        await asyncio.sleep(0)
        theirs.send(b"x")
        loop.ahead = 60.0
        return await task

    with tcp_pair() as (ours, theirs):
        is_ready = run_in(loop, main)

    assert (is_ready, complaints) == (True, [])


def test_after_a_wait_no_timer_runs_on():
    """
    A thousand lookups a second would leave ten thousand of them.
    """
    cancelled = []

    class Loop(asyncio.SelectorEventLoop):
        def call_later(self, *arguments, **options):
            timer = super().call_later(*arguments, **options)
            cancelled.append(timer)
            return timer

    async def main():
        await Ready(ours, within(60), to_write=True).suspend()

    with tcp_pair() as (ours, _):
        run_in(Loop(), main)

    assert [timer.cancelled() for timer in cancelled] == [True]


class Windows(asyncio.SelectorEventLoop):
    """
    A loop that watches no sockets for others, as the usual one of Windows.
    """

    def add_reader(self, *_):
        raise NotImplementedError

    add_writer = add_reader


@both_directions
def test_a_loop_that_watches_no_sockets_waits_as_well(to_write):
    async def main():
        return await Ready(ours, within(5), to_write=to_write).suspend()

    with tcp_pair() as (ours, theirs):
        theirs.send(b"x")

        assert run_in(Windows(), main) is True


@both_directions
def test_a_loop_that_watches_no_sockets_keeps_the_deadline(to_write):
    async def main():
        return await Ready(ours, within(0.02), to_write=to_write).suspend()

    with tcp_pair() as (ours, _):
        fill(ours)

        assert run_in(Windows(), main) is False


@both_directions
def test_trio_waits_as_a_guest_of_asyncio(to_write):
    """
    The running loop is asyncio's, the task is Trio's.
    """

    async def guest():
        return await Ready(ours, within(5), to_write=to_write).suspend()

    async def host():
        loop = asyncio.get_running_loop()
        over = loop.create_future()
        trio.lowlevel.start_guest_run(
            guest,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=over.set_result,
        )
        return (await over).unwrap()

    with tcp_pair() as (ours, theirs):
        theirs.send(b"x")

        assert asyncio.run(host()) is True


# Waiting for a flight


def test_a_flight_that_has_landed_is_not_waited_for(shell):
    flight = Future()
    flight.set_result("done")

    assert waited(shell, Landed(flight, within(0))) is True


def test_a_flight_is_waited_for_until_it_lands(shell):
    flight = Future()
    landing = threading.Timer(0.02, flight.set_result, ["done"])
    landing.start()
    has_landed = waited(shell, Landed(flight, within(5)))
    landing.join()

    assert has_landed is True


def test_a_flight_that_does_not_land_is_waited_for_until_the_deadline(shell):
    began = time.monotonic()

    assert waited(shell, Landed(Future(), within(0.02))) is False
    assert time.monotonic() - began < 3


@asynchronous
def test_steps_that_wait_for_a_flight_are_closed_when_their_task_is_cancelled(shell):
    steps = cancelled_while_waiting(shell, Landed(Future(), within(10)))

    assert (steps.heard, steps.is_over) == ([], True)
