from __future__ import annotations

import errno
import ssl

import h11
import httpx
import pytest

from careof import Limits
from careof._network.network import Network
from careof._network.trip import Trip
from careof.errors import DeadlineError, EndpointUnavailableError
from careof.testing import FakeClock

URL = "https://contacts.example:8443/c/canary-ref"


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def call(clock):
    return Network(clock=clock).call(10)


def trip_of(call, url=URL, **limits):
    return Trip(call.carried_by(httpx.Request("GET", url)), Limits(**limits))


def at_step(trip, step):
    trip.advance(step)
    return trip


@pytest.mark.parametrize(
    "url, host, port, secure",
    [
        (URL, "contacts.example", 8443, True),
        ("https://contacts.example/", "contacts.example", 443, True),
        ("http://contacts.example/", "contacts.example", 80, False),
        ("https://bücher.example/", "xn--bcher-kva.example", 443, True),
        ("https://[::1]/", "::1", 443, True),
    ],
)
def test_a_trip_knows_where_it_goes(call, url, host, port, secure):
    trip = trip_of(call, url)

    assert (trip.host, trip.port, trip.is_secure) == (host, port, secure)


@pytest.mark.parametrize(
    "limits, attempt, connecting",
    [
        ({"attempt": 4, "connect": 3}, 4, 3),
        ({"attempt": 2, "connect": 3}, 2, 2),
        ({"attempt": 40, "connect": 30}, 10, 10),
    ],
)
def test_each_deadline_is_inside_the_one_around_it(call, limits, attempt, connecting):
    trip = trip_of(call, **limits)
    trip.begin_to_connect()

    assert (trip.deadline.left(), trip.connecting.left()) == (attempt, connecting)


def test_the_time_to_connect_begins_when_a_connection_is_needed(call, clock):
    """
    One that was kept may have been tried before, and have taken its time.
    """
    trip = trip_of(call, attempt=8, connect=3)
    clock.advance(4)
    trip.begin_to_connect()

    assert trip.connecting.left() == 3


@pytest.mark.parametrize(
    "step, limits, named",
    [
        ("status", {"attempt": 4}, "attempt"),
        ("status", {"attempt": 40}, "deadline"),
        ("connect", {"attempt": 4, "connect": 3}, "connect"),
        ("connect", {"attempt": 4, "connect": 5}, "attempt"),
        ("connect", {"attempt": 40, "connect": 50}, "deadline"),
    ],
)
def test_a_time_out_names_the_limit_that_ended_it(call, step, limits, named):
    trip = trip_of(call, **limits)
    trip.begin_to_connect()
    trip.advance(step)

    assert f"(Limits.{named})" in str(trip.failure(TimeoutError()))


@pytest.mark.parametrize("step", ["connect", "tls", "status"])
def test_a_lack_of_sockets_is_ours(call, step):
    trip = trip_of(call)
    trip.advance(step)
    failure = trip.failure(OSError(errno.EMFILE, "Too many open files"))

    assert (failure.detail, failure.step) == ("no_socket", step)
    assert "EMFILE" in str(failure)


def test_in_a_foreign_client_a_trip_has_the_deadline_of_its_limits():
    trip = Trip(httpx.Request("GET", URL), Limits(deadline=2, attempt=4))
    trip.advance("connect")

    assert 0 < trip.deadline.left() <= 2
    assert trip.step == "connect"


def test_a_step_that_passed_is_noted_with_its_time(call, clock):
    trip = trip_of(call)
    clock.advance(2)
    trip.advance("connect")
    clock.advance(1)
    trip.advance("tls")

    assert [(step.name, step.seconds) for step in call.steps] == [
        ("destination", None),
        ("connect", 1),
    ]
    assert (trip.step, call.step) == ("tls", "tls")


def test_at_first_the_destination_is_under_way(call):
    assert (trip_of(call).step, call.step) == ("destination", "destination")


UNAVAILABLE = EndpointUnavailableError
LATE = (DeadlineError, "deadline", "in time")
CUT = (UNAVAILABLE, "incomplete_answer")
BAD = (UNAVAILABLE, "certificate")


def unverified(code):
    error = ssl.SSLCertVerificationError("certificate verify failed: canary")
    error.verify_code = code
    return error


@pytest.mark.parametrize(
    "step, error, verdict",
    [
        ("connect", TimeoutError("canary"), LATE),
        ("tls", TimeoutError("canary"), LATE),
        ("status", TimeoutError("canary"), LATE),
        ("connect", OSError("canary"), (UNAVAILABLE, "connect", "no connection")),
        ("tls", OSError("canary"), (UNAVAILABLE, "tls", "No TLS with")),
        ("tls", ssl.SSLError("canary"), (UNAVAILABLE, "tls", "No TLS with")),
        ("status", h11.RemoteProtocolError("canary"), (*CUT, "RemoteProtocolError")),
        ("status", ConnectionResetError("canary"), (*CUT, "ConnectionResetError")),
        ("tls", unverified(10), (*BAD, "expired")),
        ("tls", unverified(18), (*BAD, "self-signed")),
        ("tls", unverified(19), (*BAD, "not trusted")),
        ("tls", unverified(20), (*BAD, "intermediate")),
        ("tls", unverified(62), (*BAD, "another host")),
        ("tls", unverified(64), (*BAD, "another address")),
        ("tls", unverified(1), (*BAD, "does not verify")),
    ],
)
def test_a_failure_says_what_happened_where_and_nothing_of_the_request(call, step, error, verdict):
    kind, detail, words = verdict
    failure = at_step(trip_of(call), step).failure(error)

    assert (type(failure), failure.detail, failure.step) == (kind, detail, step)
    assert words in str(failure)
    assert "contacts.example" in str(failure)
    assert "canary" not in f"{failure} {vars(failure)}"


def test_in_a_foreign_client_there_is_nothing_to_distrust():
    trip = Trip(httpx.Request("GET", URL), Limits())
    trip.distrust()

    assert trip.standing() is None
