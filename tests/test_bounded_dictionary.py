from __future__ import annotations

import threading

import pytest

from careof._values.bounded import Bounded


def test_what_is_put_stands_there():
    items = Bounded(2)

    items.set("a", 1)

    assert (items.get("a"), items.get("b"), len(items)) == (1, None, 1)


def test_when_it_is_full_what_was_put_first_goes():
    items = Bounded(2)

    for key in ("a", "b", "a", "c"):
        items.set(key, key)

    assert [items.get(key) for key in "abc"] == ["a", None, "c"]


@pytest.mark.parametrize("key, value, left", [("a", 1, None), ("a", 2, 1), ("b", 1, 1)])
def test_something_is_dropped_under_a_condition(key, value, left):
    items = Bounded(2)
    items.set("a", 1)

    items.delete_when(key, lambda found: found == value)

    assert items.get("a") == left


def test_many_threads_leave_no_more_than_it_may_hold():
    items = Bounded(10)

    def fill(begin):
        for number in range(begin, begin + 500):
            items.set(number, number)
            items.delete_when(number - 5, lambda _: True)

    threads = [threading.Thread(target=fill, args=(1000 * part,)) for part in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(items) <= 10


def test_it_begins_anew_with_a_free_lock_and_all_that_it_held():
    """
    What a child does at once, whose parent held the lock when it forked.
    """
    items = Bounded(2)
    items.set("a", 1)

    with items._lock:
        items._begin_anew()
        items.set("b", 2)

    assert [items.get(key) for key in "ab"] == [1, 2]
