from __future__ import annotations

import gc
import weakref

import pytest

from careof._values import forks
from careof._values.forks import begin_anew_after_fork
from tests.support.forks import in_a_child


class Thing:
    """
    Something with a state that a child must not have.
    """

    __hash__ = None  # as a dataclass of a host's

    def __init__(self):
        self.begun = 0
        begin_anew_after_fork(self)

    def _begin_anew(self):
        self.begun += 1


@pytest.fixture
def nothing_watched_yet(monkeypatch):
    forks._watch()  # for real, because the tests after this one find it done
    registered = []
    monkeypatch.setattr(forks, "_things", weakref.WeakValueDictionary())
    monkeypatch.setattr(
        "os.register_at_fork", lambda *, after_in_child: registered.append(after_in_child)
    )
    forks._watch.cache_clear()
    return registered


def test_each_thing_begins_anew_in_a_child_once():
    things = [Thing(), Thing()]

    in_child = in_a_child(lambda: [thing.begun for thing in things])

    assert in_child == "[1, 1]"
    assert [thing.begun for thing in things] == [0, 0]


def test_however_many_things_there_are_one_function_is_registered(nothing_watched_yet):
    things = [Thing(), Thing()]

    for begin_anew in nothing_watched_yet:
        begin_anew()

    assert [thing.begun for thing in things] == [1, 1]


def test_a_thing_that_nobody_has_any_more_is_collected(nothing_watched_yet):
    """
    What is registered for a fork is never let go.
    """
    thing = Thing()
    gone = weakref.ref(thing)

    del thing
    gc.collect()

    assert gone() is None
    assert len(forks._things) == 0


def test_where_there_are_no_forks_there_is_nothing_to_watch(monkeypatch, nothing_watched_yet):
    monkeypatch.delattr("os.register_at_fork")

    Thing()

    assert nothing_watched_yet == []
