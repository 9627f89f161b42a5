from __future__ import annotations

import httpx

from careof._network.call import EXTENSION, Step, call_of
from careof._network.network import Network
from careof.testing import FakeClock


def test_a_call_travels_with_its_request():
    call = Network(clock=FakeClock()).call(10)
    request = call.carried_by(httpx.Request("GET", "https://a.example/"))

    assert call_of(request) is call


def test_a_request_of_a_foreign_client_carries_no_call():
    assert call_of(httpx.Request("GET", "https://a.example/")) is None


def test_what_is_no_call_is_not_taken_for_one():
    request = httpx.Request("GET", "https://a.example/", extensions={EXTENSION: "a call"})

    assert call_of(request) is None


def test_a_foreign_transport_is_told_how_much_time_is_left():
    clock = FakeClock()
    call = Network(clock=clock).call(10)
    clock.advance(4)
    request = call.carried_by(httpx.Request("GET", "https://a.example/"))

    assert request.extensions["timeout"] == {"connect": 6, "read": 6, "write": 6, "pool": 6}


def test_other_extensions_of_the_request_stay():
    request = httpx.Request("GET", "https://a.example/", extensions={"trace": "mine"})
    Network().call(10).carried_by(request)

    assert request.extensions["trace"] == "mine"


def test_a_step_takes_the_time_since_the_one_before():
    clock = FakeClock()
    call = Network(clock=clock).call(10)
    clock.advance(1)
    call.passed("connect")
    clock.advance(2)
    call.passed("tls", "verified")

    assert call.steps == [Step("connect", 1), Step("tls", 2, "verified")]


def test_a_step_that_is_not_timed_still_begins_the_next_one():
    clock = FakeClock()
    call = Network(clock=clock).call(10)
    clock.advance(5)
    call.passed("destination", timed=False)
    clock.advance(1)
    call.passed("connect")

    assert call.steps == [Step("destination", None), Step("connect", 1)]
