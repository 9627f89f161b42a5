from __future__ import annotations

import threading

import anyio
import pytest

from careof._network.flights import async_wait_for, wait_for
from careof._sending.email.turns import Turns
from tests.support.forks import in_a_child


def test_there_are_so_many_at_a_time():
    turns = Turns(2)
    first, second, third = turns.ask(), turns.ask(), turns.ask()

    assert [turn.has_come() for turn in (first, second, third)] == [True, True, False]


def test_who_came_first_is_next():
    turns = Turns(1)
    first, second, third = turns.ask(), turns.ask(), turns.ask()
    turns.give_back(first)

    assert (second.has_come(), third.has_come()) == (True, False)
    turns.give_back(second)
    assert third.has_come()


def test_who_gives_up_leaves_the_row():
    turns = Turns(1)
    first, second, third = turns.ask(), turns.ask(), turns.ask()
    turns.give_back(second)
    turns.give_back(first)

    assert (second.has_come(), third.has_come()) == (False, True)


def test_who_gives_up_when_it_comes_passes_it_on():
    turns = Turns(1)
    first, second, third = turns.ask(), turns.ask(), turns.ask()
    turns.give_back(first)
    turns.give_back(second)

    assert third.has_come()


def test_a_turn_that_nobody_waits_for_is_there_for_the_next():
    turns = Turns(1)
    turns.give_back(turns.ask())

    assert turns.ask().has_come()


def test_only_one_begins_a_turn_or_gives_it_up():
    turn = Turns(1).ask()

    assert [turn.claim(), turn.claim()] == [True, False]


def test_threads_are_never_more_than_that():
    turns, lock, count, most = Turns(3), threading.Lock(), [0], [0]

    def work():
        for _ in range(50):
            turn = turns.ask()
            if turn.wait is not None:
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
    turns = Turns(1)
    first = turns.ask()

    async def main():
        second = turns.ask()
        threading.Timer(0.01, turns.give_back, [first]).start()
        await async_wait_for(second.wait, 10)
        return second.has_come()

    assert anyio.run(main, backend=backend)


def test_a_child_has_all_turns_for_itself():
    turns = Turns(1)
    held = turns.ask()

    def look():
        found = [turns.ask().has_come(), turns.ask().has_come()]
        # One that its parent took does not count here.
        turns.give_back(held)
        turns.give_back(held)
        return found

    assert in_a_child(look) == "[True, False]"
