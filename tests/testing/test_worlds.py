from __future__ import annotations

import os
import threading

import httpx
import pytest

from careof.testing._auth_endpoint import AuthEndpoint
from careof.testing._worlds import at_once, begin, in_a_child, report, worlds
from tests.support.strategies_gone_wrong import KeyAuth, RaisesItsKey


def endpoint():
    return AuthEndpoint(lambda token: httpx.Response(200), lambda: httpx.Response(401))


@pytest.mark.parametrize("world", worlds())
def test_each_world_looks_up_as_often_as_it_is_told(world):
    asked = endpoint()

    assert worlds()[world](KeyAuth(), asked, 3) == [None] * 3
    assert len(asked.lookups) == 3


@pytest.mark.parametrize("world", worlds())
def test_an_error_of_a_lookup_is_its_outcome(world):
    outcomes = worlds()[world](RaisesItsKey(), endpoint(), 2)

    assert [type(outcome).__name__ for outcome in outcomes] == ["AuthenticationError"] * 2


def test_what_is_done_at_once_is_done_in_threads_of_its_own():
    meeting = threading.Barrier(3)

    numbers = at_once([meeting.wait] * 3, patience=10)

    assert sorted(numbers) == [0, 1, 2]


def test_what_it_raises_is_raised():
    with pytest.raises(KeyboardInterrupt):
        begin(interrupted).result(10)


def test_what_hangs_fails():
    hold = threading.Event()

    with pytest.raises(AssertionError, match=r"^After 0.01 seconds a lookup has not ended\."):
        at_once([hold.wait], patience=0.01)

    hold.set()


def interrupted():
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "work, outcome",
    [(lambda: "done", "done"), (interrupted, "fails with KeyboardInterrupt")],
)
def test_a_child_says_what_became_of_its_work(work, outcome):
    assert in_a_child(work, patience=10) == outcome


def test_a_child_that_hangs_is_ended():
    assert in_a_child(threading.Event().wait, patience=0.05) == "waits for ever"


@pytest.mark.parametrize(
    "work, outcome",
    [(lambda: "done", b"done"), (interrupted, b"fails with KeyboardInterrupt")],
)
def test_a_child_leaves_when_it_has_reported(work, outcome):
    reading, writing = os.pipe()
    left = []

    report(work, writing, left.append)

    assert os.read(reading, 100) == outcome
    assert left == [0]
    os.close(reading)
    os.close(writing)
