from __future__ import annotations

import threading

import anyio
import pytest

from careof._network.flights import async_wait_for, wait_for
from careof._sending.email.turns import Turns
from careof.testing import FakeClock
from tests.support.forks import in_a_child

LONGEST = 60.0  # seconds of a turn


def turns_of(limit, clock=None):
    return Turns(limit, LONGEST, clock or FakeClock())


def test_there_are_so_many_at_a_time():
    turns = turns_of(2)
    first, second, third = turns.ask(), turns.ask(), turns.ask()

    assert [turn.has_come() for turn in (first, second, third)] == [True, True, False]


def test_who_came_first_is_next():
    turns = turns_of(1)
    first, second, third = turns.ask(), turns.ask(), turns.ask()
    turns.give_back(first)

    assert (second.has_come(), third.has_come()) == (True, False)
    turns.give_back(second)
    assert third.has_come()


def test_who_gives_up_leaves_the_row():
    turns = turns_of(1)
    first, second, third = turns.ask(), turns.ask(), turns.ask()
    turns.give_back(second)
    turns.give_back(first)

    assert (second.has_come(), third.has_come()) == (False, True)


def test_who_gives_up_when_it_comes_passes_it_on():
    turns = turns_of(1)
    first, second, third = turns.ask(), turns.ask(), turns.ask()
    turns.give_back(first)
    turns.give_back(second)

    assert third.has_come()


def test_a_turn_that_nobody_waits_for_is_there_for_the_next():
    turns = turns_of(1)
    turns.give_back(turns.ask())

    assert turns.ask().has_come()


def test_a_turn_that_is_never_given_back_ends_with_its_time():
    clock = FakeClock()
    turns = turns_of(1, clock)
    turns.ask()
    clock.advance(LONGEST - 1)
    second = turns.ask()

    assert not second.has_come()
    clock.advance(1)
    third = turns.ask()
    assert (second.has_come(), third.has_come()) == (True, False)


def test_what_is_given_back_too_late_is_nobody_elses_turn():
    clock = FakeClock()
    turns = turns_of(1, clock)
    first = turns.ask()
    clock.advance(LONGEST)
    second, third = turns.ask(), turns.ask()
    turns.give_back(first)

    assert (second.has_come(), third.has_come()) == (True, False)


def test_only_one_begins_a_turn_or_gives_it_up():
    turn = turns_of(1).ask()

    assert [turn.claim(), turn.claim()] == [True, False]


def test_threads_are_never_more_than_that():
    turns, lock, count, most = turns_of(3), threading.Lock(), [0], [0]

    def work():
        for _ in range(50):
            turn = turns.ask()
            wait_for(turn.wait, 10)
            with lock:
                count[0] += 1
                most[0] = max(most[0], count[0])
            with lock:
                count[0] -= 1
            turns.give_back(turn)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert not any(thread.is_alive() for thread in threads)
    assert most[0] <= 3
    assert [turns.ask().has_come() for _ in range(4)] == [True, True, True, False]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_task_is_woken_by_a_thread(backend):
    turns = turns_of(1)
    first = turns.ask()

    async def main():
        second = turns.ask()
        threading.Timer(0.01, turns.give_back, [first]).start()
        await async_wait_for(second.wait, 10)
        return second.has_come()

    assert anyio.run(main, backend=backend)


def test_a_child_has_all_turns_for_itself():
    turns = turns_of(1)
    held = turns.ask()

    def look():
        found = [turns.ask().has_come(), turns.ask().has_come()]
        # One that its parent took does not count here.
        turns.give_back(held)
        turns.give_back(held)
        return found

    assert in_a_child(look) == "[True, False]"
