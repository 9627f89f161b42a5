from __future__ import annotations

import gc
import os

import pytest

from careof._sending.email.pool import LONGEST_IDLE, LONGEST_LIFE, MOST_MESSAGES, Pool
from careof._sending.email.session import PATIENCE
from careof.testing import FakeClock
from tests.support.forks import in_a_child


class Double:
    """
    A session that notes what is done to it.
    """

    def __init__(self, opened=0.0, *, sent=1):
        self.opened = self.since = opened
        self.sent = sent
        self.process = os.getpid()
        self.is_over = False
        self.read = self.quiet = True
        self.done = []

    def is_read(self):
        return self.read

    def is_quiet(self):
        return self.quiet

    def say_quit(self, deadline):
        self.done.append("QUIT")

    def part(self, deadline):
        self.done.append(f"parted {deadline.left():.0f}")

    def close(self):
        self.done.append("closed")


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def pool(clock):
    return Pool(clock)


def test_what_was_put_last_is_taken_first(pool, clock):
    first, second = Double(clock.monotonic()), Double(clock.monotonic())
    pool.put(first)
    pool.put(second)

    assert [pool.take(), pool.take(), pool.take()] == [second, first, None]


def test_below_one_that_is_not_quiet_the_next_is_found(pool, clock):
    below, above = Double(clock.monotonic()), Double(clock.monotonic())
    pool.put(below)
    pool.put(above)
    above.quiet = False

    assert pool.take() is below
    assert above.done == ["QUIT", "closed"]


def test_what_is_over_is_closed_without_a_word(pool, clock):
    over = Double(clock.monotonic())
    over.is_over = True
    pool.put(over)

    assert (pool.take(), over.done) == (None, ["closed"])


def test_what_holds_words_that_nobody_asked_for_does_not_rest(pool, clock):
    only = Double(clock.monotonic())
    only.read = False
    pool.put(only)

    assert (pool.take(), only.done) == (None, ["QUIT", "closed"])


@pytest.mark.parametrize("sent, is_kept", [(MOST_MESSAGES - 1, True), (MOST_MESSAGES, False)])
def test_a_conversation_has_so_many_messages(pool, clock, sent, is_kept):
    only = Double(clock.monotonic(), sent=sent)
    pool.put(only)

    assert (pool.take() is only) == is_kept
    assert only.done == ([] if is_kept else ["QUIT", "closed"])


@pytest.mark.parametrize("seconds, is_kept", [(LONGEST_IDLE - 1, True), (LONGEST_IDLE, False)])
def test_a_conversation_that_rested_too_long_is_over(pool, clock, seconds, is_kept):
    only = Double(clock.monotonic())
    pool.put(only)
    clock.advance(seconds)

    assert (pool.take() is only) == is_kept


@pytest.mark.parametrize("seconds, is_kept", [(LONGEST_LIFE - 1, True), (LONGEST_LIFE, False)])
def test_a_conversation_that_has_lived_too_long_is_over(pool, clock, seconds, is_kept):
    only = Double(clock.monotonic())
    clock.advance(seconds)
    pool.put(only)

    assert (pool.take() is only) == is_kept


def test_what_grew_old_at_the_bottom_is_closed_on_the_way(pool, clock):
    old, young = Double(clock.monotonic()), Double(clock.monotonic())
    pool.put(old)
    clock.advance(LONGEST_IDLE)
    pool.put(young)

    assert old.done == ["QUIT", "closed"]
    assert pool.take() is young


def test_all_hear_goodbye_before_one_is_waited_for(pool, clock):
    both = [Double(clock.monotonic()), Double(clock.monotonic())]
    for session in both:
        pool.put(session)
    pool.close()

    assert [session.done for session in both] == [["QUIT", f"parted {PATIENCE:.0f}"]] * 2
    assert pool.take() is None


def test_a_pool_that_is_dropped_says_goodbye_and_does_not_wait(clock):
    only = Double(clock.monotonic())
    pool = Pool(clock)
    pool.put(only)
    del pool
    gc.collect()

    assert only.done == ["QUIT", "closed"]


def test_a_child_takes_nothing_of_its_parents_and_says_nothing_in_its_name(pool, clock):
    only = Double(clock.monotonic())
    pool.put(only)

    def look():
        return [pool.take() is None, only.done]

    assert in_a_child(look) == "[True, ['closed']]"
    assert pool.take() is only
