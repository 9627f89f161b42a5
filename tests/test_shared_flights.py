"""
A flight that is known by two names, and one that has a patience of its own.
"""

from __future__ import annotations

import threading

import pytest

from careof._network.flights import Flights


@pytest.fixture
def may_end():
    event = threading.Event()
    yield event
    event.set()


def flights(**options):
    return Flights("tests", **{"limit": 10, "patience": 60.0, **options})


def test_a_flight_can_be_joined_under_another_name(may_end):
    board = flights()
    flight = board.join("one", lambda: may_end.wait(10))

    board.share("one", "other")

    assert board.under_way("other") is flight
    assert board.join("other", lambda: "never") is flight


def test_a_flight_under_two_names_is_off_the_board_under_both_when_it_lands(may_end):
    board = flights()
    flight = board.join("one", lambda: may_end.wait(10))
    board.share("one", "other")

    may_end.set()
    flight.result(10)

    assert (board.under_way("one"), board.under_way("other")) == (None, None)
    assert (board._under_way, dict(board._threads)) == ({}, {})


def test_a_flight_that_has_landed_gets_no_other_name():
    board = flights()
    board.join("one", lambda: "done").result(10)

    board.share("one", "other")

    assert board.under_way("other") is None


def test_another_flight_under_the_second_name_stays_when_the_first_lands(may_end):
    board = flights()
    first = board.join("one", lambda: may_end.wait(10))
    never = threading.Event()
    second = board.join("other", lambda: never.wait(10))

    may_end.set()
    first.result(10)
    stays = board.under_way("other")
    never.set()

    assert stays is second


def test_a_flight_with_two_names_is_given_up_like_others(may_end):
    """
    Or a cache that hangs in it would hold a tenant for ever.
    """
    board = flights()
    board.join("one", lambda: may_end.wait(10), patience=0)

    board.share("one", "other")

    assert board.under_way("one") is board.under_way("other") is None


def test_a_flight_may_have_a_patience_of_its_own(may_end):
    board = flights(patience=0)

    flight = board.join("one", lambda: may_end.wait(10), patience=60)

    assert board.under_way("one") is flight


def test_a_flight_may_have_no_patience_at_all(may_end):
    board = flights()

    board.join("one", lambda: may_end.wait(10), patience=0)

    assert board.under_way("one") is None


def test_without_a_flight_nothing_is_under_way():
    assert flights().under_way("one") is None
