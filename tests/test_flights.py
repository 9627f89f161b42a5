from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import textwrap
import threading
import time

import anyio
import pytest
import trio

from careof._network.flights import Flights, async_wait_for, result_of, wait_for
from careof.errors import (
    AuthenticationError,
    CareofError,
    DeadlineError,
    EndpointUnavailableError,
    ReferenceGoneError,
)
from tests.support.memory import living


class Work:
    """
    Work that says when it has begun and ends when it is told.
    """

    def __init__(self, result="done"):
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.times = 0
        self._result = result

    def __call__(self):
        self.times += 1
        self.begun.release()
        assert self.may_end.wait(10)
        if isinstance(self._result, BaseException):
            raise self._result
        return self._result


@pytest.fixture
def work():
    work = Work()
    yield work
    work.may_end.set()


def join_threads():
    for thread in threading.enumerate():
        if thread.name == "careof-tests":
            thread.join(10)


def flights(**options):
    return Flights("tests", **{"limit": 10, "patience": 60.0, **options})


def waiter(shell):
    return wait_for if shell.name == "sync" else async_wait_for


def test_a_flight_brings_what_its_work_returns(shell):
    flight = flights().join("key", lambda: "done")

    shell.call(waiter(shell), flight, 10)

    assert flight.result(0) == "done"


def test_work_sees_the_context_variables_of_whoever_began_it():
    tenant = contextvars.ContextVar("tenant", default="nobody")
    tenant.set("kim")

    assert flights().join("key", tenant.get).result(10) == "kim"


def test_work_changes_no_context_variable_of_whoever_began_it():
    tenant = contextvars.ContextVar("tenant", default="nobody")
    flights().join("key", lambda: tenant.set("kim")).result(10)

    assert tenant.get() == "nobody"


def test_work_may_run_a_loop_even_if_a_loop_began_it():
    """
    anyio notes in a context variable that a loop runs in this thread.
    """

    async def work():
        return "done"

    async def main():
        return flights().join("key", lambda: anyio.run(work)).result(10)

    assert anyio.run(main) == "done"


def test_work_flies_where_sniffio_is_not_in_use(monkeypatch):
    monkeypatch.delitem(sys.modules, "sniffio", raising=False)

    assert flights().join("key", lambda: "done").result(10) == "done"


def test_a_flight_that_has_landed_is_not_waited_for(shell):
    flight = flights().join("key", lambda: "done")
    flight.result(10)
    began = time.monotonic()
    shell.call(waiter(shell), flight, 10)

    assert time.monotonic() - began < 3


def test_whoever_comes_while_it_is_under_way_joins_it(work):
    board = flights()
    first = board.join("key", work)
    assert work.begun.acquire(timeout=10)
    others = [board.join("key", work) for _ in range(5)]
    work.may_end.set()

    assert {flight.result(10) for flight in [first, *others]} == {"done"}
    assert work.times == 1


def test_a_flight_that_has_landed_is_not_joined():
    board = flights()
    board.join("key", lambda: "first").result(10)

    assert board.join("key", lambda: "second").result(10) == "second"


def test_other_keys_fly_by_themselves(work):
    board = flights()
    board.join("key", work)

    assert board.join("other", lambda: "other").result(10) == "other"


@pytest.mark.parametrize("failure", [ValueError("canary"), KeyboardInterrupt("canary")])
def test_of_work_that_raises_only_the_class_name_is_kept(failure):
    def work():
        raise failure

    result = flights().join("key", work).result(10)

    assert type(result) is EndpointUnavailableError
    assert (result.detail, result.__context__) == (type(failure).__name__, None)
    assert "canary" not in str(result)


def test_an_error_that_work_returns_is_a_result():
    error = ReferenceGoneError("Gone.")

    assert flights().join("key", lambda: error).result(10) is error


def test_who_gives_up_waiting_takes_nobody_down(shell, work):
    flight = flights().join("key", work)
    shell.call(waiter(shell), flight, 0.01)
    had_landed = flight.done()
    work.may_end.set()

    assert not had_landed
    assert flight.result(10) == "done"


def test_a_leader_that_is_cancelled_leaves_the_result_to_its_followers(work):
    board = flights()

    async def main():
        leader = asyncio.create_task(async_wait_for(board.join("key", work), 10))
        assert await asyncio.to_thread(work.begun.acquire, timeout=10)
        leader.cancel()
        follower = board.join("key", work)
        work.may_end.set()
        await async_wait_for(follower, 10)
        results = await asyncio.gather(leader, return_exceptions=True)
        return type(results[0]), follower.result(0)

    assert asyncio.run(main()) == (asyncio.CancelledError, "done")


def test_nobody_who_waits_can_cancel_a_flight(work):
    flight = flights().join("key", work)

    assert not flight.cancel()


@pytest.mark.parametrize("run", [asyncio.run, trio.run])
def test_a_loop_that_is_closed_before_the_flight_lands_does_no_harm(run, work, caplog):
    flight = flights().join("key", work)

    async def main():
        await async_wait_for(flight, 0.01)

    run(main()) if run is asyncio.run else run(main)
    work.may_end.set()
    join_threads()

    assert flight.result(0) == "done"
    assert caplog.records == []


def test_threads_asyncio_and_trio_wait_for_one_flight(work):
    board = flights()
    results = []

    def wait_in(call):
        flight = board.join("key", work)
        call(flight)
        results.append(result_of(flight, "token"))

    calls = [
        lambda flight: wait_for(flight, 10),
        lambda flight: asyncio.run(async_wait_for(flight, 10)),
        lambda flight: trio.run(async_wait_for, flight, 10),
    ]
    threads = [threading.Thread(target=wait_in, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    assert work.begun.acquire(timeout=10)
    work.may_end.set()
    for thread in threads:
        thread.join(10)

    assert results == ["done", "done", "done"]
    assert work.times == 1


def test_other_tasks_run_while_one_waits(work):
    async def main():
        flight = flights().join("key", work)
        waiting = asyncio.create_task(async_wait_for(flight, 10))
        await asyncio.sleep(0)
        work.may_end.set()
        await waiting
        return flight.done()

    assert asyncio.run(main())


def test_the_result_of_a_flight_is_what_it_brought():
    flight = flights().join("key", lambda: "done")
    flight.result(10)

    assert result_of(flight, "token") == "done"


@pytest.mark.parametrize("step", ["destination", "token", "status"])
def test_the_result_of_a_flight_that_has_not_landed_is_a_missed_deadline(work, step):
    late = result_of(flights().join("key", work), step)

    assert (type(late), late.detail, late.step) == (DeadlineError, "deadline", step)


class HostsError(CareofError):
    """
    Of a host's own strategy, whose constructor wants more than a message.
    """

    def __init__(self, status, what):
        super().__init__(f"{what} failed.", status=status, retry_after=7)


def invalid_client():
    error = AuthenticationError("No.", detail="invalid_client", status=401)
    error.error = "invalid_client"
    return error


@pytest.mark.parametrize("error", [invalid_client(), HostsError(503, "Everything")])
def test_each_who_waited_has_an_error_of_its_own_that_names_its_step(error):
    """
    A traceback belongs to one thread.
    """
    flight = flights().join("key", lambda: error)
    flight.result(10)
    one, other = result_of(flight, "destination"), result_of(flight, "token")

    assert len({id(one), id(other), id(error)}) == 3
    assert (one.step, other.step, error.step) == ("destination", "token", "")
    assert type(one) is type(error)
    assert str(one) == str(error)
    assert vars(one) == {**vars(error), "step": "destination"}


def test_over_the_limit_nothing_begins(work):
    board = flights(limit=2)
    under_way = [board.join(key, work) for key in ("one", "two")]
    result = board.join("three", work).result(0)

    assert (type(result), result.detail) == (EndpointUnavailableError, "tests_busy")
    assert work.begun.acquire(timeout=10)
    assert work.begun.acquire(timeout=10)
    assert not work.begun.acquire(blocking=False)
    assert not any(flight.done() for flight in under_way)


def test_over_the_limit_one_can_still_join(work):
    board = flights(limit=1)
    flight = board.join("key", work)

    assert board.join("key", work) is flight


def test_a_landing_makes_room(work):
    board = flights(limit=1)
    flight = board.join("one", work)
    work.may_end.set()
    flight.result(10)

    assert board.join("two", lambda: "done").result(10) == "done"


def test_a_flight_that_takes_too_long_is_replaced():
    board = flights(patience=0, limit=2)
    lost, work = Work("late"), Work("done")
    first = board.join("key", lost)
    second = board.join("key", work)
    lost.may_end.set()
    assert first.result(10) == "late"
    third_joins = board._under_way["key"][1] is second
    work.may_end.set()

    assert third_joins
    assert second.result(10) == "done"


@pytest.mark.parametrize("bounds", [{"limit": 2}, {"per_key": 2}])
def test_threads_that_were_given_up_are_counted(bounds):
    """
    Or a name server that says nothing would have one more of them every minute.
    """
    board = flights(patience=0, **bounds)
    lost = [Work("late"), Work("late")]
    under_way = [board.join("key", work) for work in lost]
    refused = board.join("key", Work("never")).result(0)
    for work in lost:
        work.may_end.set()
    landed = [flight.result(10) for flight in under_way]

    assert refused.detail == "tests_busy"
    assert landed == ["late", "late"]
    assert board.join("key", lambda: "room again").result(10) == "room again"


def test_without_a_thread_there_is_no_flight(monkeypatch):
    """
    As in an interpreter that is ending, or a process that may have no more.
    """

    def refuse(self):
        raise RuntimeError("can't start new thread")

    board = flights()
    monkeypatch.setattr(threading.Thread, "start", refuse)
    result = board.join("key", lambda: "done").result(0)

    assert result.detail == "tests_busy"
    assert board._under_way == {}


def test_what_a_flight_brought_is_not_kept():
    class Result:
        pass

    board = flights()
    board.join("key", Result).result(10)
    join_threads()
    gc.collect()

    assert living(Result) == []


def test_after_a_fork_the_board_is_empty_and_its_lock_is_free(work):
    """
    What the child does at once; the next test forks for real.
    """
    board = flights(limit=1)
    board.join("key", work)
    board._lock.acquire()
    board._begin_anew()

    assert board._lock.acquire(timeout=1)
    board._lock.release()
    assert board.join("key", lambda: "child's").result(10) == "child's"


FORKING = """
    import os, sys, threading, time
    from careof._network.flights import Flights

    board = Flights("tests", limit=1, patience=60)
    may_end = threading.Event()
    flight = board.join("key", lambda: may_end.wait(20) and "parent's")
    board._lock.acquire()  # as if another thread were joining
    child = os.fork()
    if child == 0:
        result = board.join("key", lambda: "child's").result(5)
        os._exit(0 if result == "child's" else 1)
    board._lock.release()
    end = time.monotonic() + 15
    while time.monotonic() < end:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            break
        time.sleep(0.01)
    else:
        os.kill(child, 9)
        os.waitpid(child, 0)
        sys.exit("the child hangs")
    may_end.set()
    assert flight.result(5) == "parent's"
    sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_child_waits_neither_for_a_flight_of_its_parent_nor_for_its_lock():
    ended = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(FORKING)],
        capture_output=True,
        timeout=30,
        check=False,
    )

    assert (ended.returncode, ended.stderr) == (0, b"")
