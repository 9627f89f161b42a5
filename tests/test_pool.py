from __future__ import annotations

import gc
import os
import sys
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import pytest

from careof._network.connection import Connection
from careof._network.pool import LONGEST_IDLE, LONGEST_LIFE, MOST_IDLE, Pool
from careof._values.clock import SYSTEM_CLOCK
from careof.testing import FakeClock
from tests.support.forks import in_a_child
from tests.support.streams import is_at_its_end, tcp_pair

HERE = ("https", "contacts.example", 443)
THERE = ("https", "elsewhere.example", 443)


class Double:
    """
    A connection without a socket.
    """

    def __init__(self, opened=1000.0):
        self.opened = opened
        self.quiet = True
        self.closed = 0

    def is_quiet(self):
        return self.quiet

    def close(self):
        self.closed += 1


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def pool(clock):
    return Pool(clock)


def filled(pool, *connections, origin=HERE):
    for connection in connections:
        pool.put(origin, connection)
    return connections


def test_an_empty_pool_has_no_connection(pool):
    assert pool.take(HERE) is None


def test_a_connection_is_taken_once(pool):
    (only,) = filled(pool, Double())

    assert [pool.take(HERE), pool.take(HERE)] == [only, None]
    assert only.closed == 0


def test_the_last_one_that_came_is_the_first_to_go(pool):
    first, second, third = filled(pool, Double(), Double(), Double())

    assert [pool.take(HERE) for _ in range(3)] == [third, second, first]


@pytest.mark.parametrize(
    "other",
    [
        THERE,
        ("http", "contacts.example", 443),
        ("https", "contacts.example", 8443),
        ("https", "a.contacts.example", 443),
    ],
)
def test_a_connection_goes_only_to_its_own_origin(pool, other):
    (only,) = filled(pool, Double())

    assert pool.take(other) is None
    assert (pool.take(HERE), only.closed) == (only, 0)


def test_a_connection_that_is_not_quiet_is_closed_and_not_given_out(pool):
    (only,) = filled(pool, Double())
    only.quiet = False

    assert pool.take(HERE) is None
    assert only.closed == 1


def test_below_one_that_is_not_quiet_the_next_is_found(pool):
    below, above = filled(pool, Double(), Double())
    above.quiet = False

    assert (pool.take(HERE), above.closed) == (below, 1)


@pytest.mark.parametrize("seconds, is_kept", [(LONGEST_IDLE - 1, True), (LONGEST_IDLE, False)])
def test_a_connection_that_was_idle_too_long_is_closed(pool, clock, seconds, is_kept):
    (only,) = filled(pool, Double(opened=clock.monotonic()))
    clock.advance(seconds)

    assert (pool.take(HERE) is only) == is_kept
    assert only.closed == (not is_kept)


@pytest.mark.parametrize("seconds, is_kept", [(LONGEST_LIFE - 1, True), (LONGEST_LIFE, False)])
def test_a_connection_that_has_lived_too_long_is_closed(pool, clock, seconds, is_kept):
    only = Double(opened=clock.monotonic())
    clock.advance(seconds)
    pool.put(HERE, only)

    assert (pool.take(HERE) is only) == is_kept
    assert only.closed == (not is_kept)


def test_to_be_used_begins_a_new_rest(pool, clock):
    (only,) = filled(pool, Double(opened=clock.monotonic()))
    for _ in range(5):
        clock.advance(LONGEST_IDLE - 1)
        assert pool.take(HERE) is only
        pool.put(HERE, only)

    assert only.closed == 0


def test_the_machine_may_turn_its_wall_clock(pool, clock):
    (only,) = filled(pool, Double(opened=clock.monotonic()))
    clock.set_wall(0)

    assert pool.take(HERE) is only


def test_those_too_many_are_closed_from_the_bottom(pool):
    connections = filled(pool, *(Double() for _ in range(MOST_IDLE + 2)))

    assert [connection.closed for connection in connections[:3]] == [1, 1, 0]
    assert sum(connection.closed for connection in connections) == 2
    assert pool.take(HERE) is connections[-1]


def test_each_origin_may_have_as_many(pool):
    here = filled(pool, *(Double() for _ in range(MOST_IDLE)))
    there = filled(pool, *(Double() for _ in range(MOST_IDLE)), origin=THERE)

    assert not any(connection.closed for connection in [*here, *there])


def test_those_that_grow_old_at_the_bottom_are_closed(pool, clock):
    """
    Nobody would take them, as long as there are younger ones above.
    """
    old = filled(pool, Double(), Double())
    clock.advance(LONGEST_IDLE)
    (young,) = filled(pool, Double())

    assert [connection.closed for connection in [*old, young]] == [1, 1, 0]


# Close, and forget


def test_a_pool_that_is_closed_closes_what_is_idle(pool):
    here = filled(pool, Double(), Double())
    there = filled(pool, Double(), origin=THERE)
    pool.close()

    assert [connection.closed for connection in [*here, *there]] == [1, 1, 1]
    assert (pool.take(HERE), pool.take(THERE)) == (None, None)


def test_a_pool_that_was_closed_can_be_used_again(pool):
    pool.close()
    (only,) = filled(pool, Double())
    pool.close()
    pool.close()

    assert only.closed == 1


def test_a_pool_that_is_dropped_closes_what_is_idle():
    with tcp_pair() as (ours, theirs):
        pool = Pool(SYSTEM_CLOCK)
        pool.put(HERE, Connection(ours, SYSTEM_CLOCK.monotonic()))
        del pool
        gc.collect()

        assert is_at_its_end(theirs)


def test_a_connection_that_was_taken_outlives_the_pool(clock):
    pool = Pool(clock)
    (only,) = filled(pool, Double())
    pool.take(HERE)
    del pool
    gc.collect()

    assert only.closed == 0


# Other processes


def test_a_connection_of_another_process_is_closed_and_not_given_out(pool, monkeypatch):
    (theirs,) = filled(pool, Double())
    monkeypatch.setattr(os, "getpid", lambda: -1)
    (ours,) = filled(pool, Double())

    assert [pool.take(HERE), pool.take(HERE)] == [ours, None]
    assert (ours.closed, theirs.closed) == (0, 1)


def test_a_child_never_uses_a_connection_of_its_parent_which_still_does():
    with tcp_pair() as (ours, theirs):
        pool = Pool(SYSTEM_CLOCK)
        pool.put(HERE, Connection(ours, SYSTEM_CLOCK.monotonic()))
        in_the_child = in_a_child(lambda: (pool.take(HERE), pool.take(HERE)))
        connection = pool.take(HERE)
        theirs.sendall(b"x")
        ours.settimeout(5)
        received = ours.recv(1)
        connection.close()

    assert in_the_child == "(None, None)"
    assert received == b"x"


# Threads


class Raced(deque):
    """
    A stack that another thread empties between two looks at it.
    """

    def __bool__(self):
        return True

    def append(self, item):
        pass


def test_to_take_from_a_stack_that_is_emptied_meanwhile_finds_nothing(pool):
    pool._idle[HERE] = Raced()

    assert pool.take(HERE) is None


def test_to_put_on_a_stack_that_is_emptied_meanwhile_is_no_error(pool):
    pool._idle[HERE] = Raced()
    pool.put(HERE, Double())

    assert len(pool._idle[HERE]) == 0


def test_to_close_a_stack_that_is_emptied_meanwhile_is_no_error(pool):
    pool._idle[HERE] = Raced()
    (other,) = filled(pool, Double(), origin=THERE)
    pool.close()

    assert other.closed == 1


def test_to_close_while_another_origin_is_new_is_no_error(pool):
    class Busy(Double):
        def close(self):
            super().close()
            pool.put(THERE, Double())

    (busy,) = filled(pool, Busy())
    pool.close()

    assert busy.closed == 1


@pytest.fixture
def eager_threads():
    """
    Threads that give way to each other at every chance.
    """
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_no_connection_is_given_to_two(eager_threads):
    """
    Whoever holds one holds its lock, which nobody waits for.
    """
    pool = Pool(SYSTEM_CLOCK)
    start = threading.Barrier(8)

    class Held(Double):
        def __init__(self):
            super().__init__(opened=SYSTEM_CLOCK.monotonic())
            self.lock = threading.Lock()

    def work(_):
        start.wait(10)
        shared = 0
        for _ in range(300):
            connection = pool.take(HERE) or Held()
            is_mine = connection.lock.acquire(blocking=False)
            shared += not is_mine
            time.sleep(0)  # give way
            if is_mine:
                connection.lock.release()
            pool.put(HERE, connection)
        return shared

    with ThreadPoolExecutor(8) as threads:
        shared = list(threads.map(work, range(8)))

    assert shared == [0] * 8


def test_those_of_one_origin_can_be_dropped(pool):
    here, there = Double(), Double()
    pool.put(HERE, here)
    pool.put(THERE, there)
    pool.drop(HERE)

    assert (pool.take(HERE), pool.take(THERE)) == (None, there)
    assert (here.closed, there.closed) == (1, 0)
