from __future__ import annotations

import contextlib

import httpx
import pytest

from careof._network.call import EXTENSION, Call, call_of, hand_over
from careof._network.course import Step
from careof._network.limits import Deadline
from careof._network.network import Network
from careof._network.pool import Pool
from careof.errors import EndpointUnavailableError
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
    call = Network(clock=clock, transport=httpx.MockTransport(httpx.Response)).call(10)
    clock.advance(4)
    request = call.carried_by(httpx.Request("GET", "https://a.example/"))

    assert request.extensions["timeout"] == {"connect": 6, "read": 6, "write": 6, "pool": 6}


def test_other_extensions_of_the_request_stay():
    request = httpx.Request("GET", "https://a.example/", extensions={"trace": "mine"})
    Network().call(10).carried_by(request)

    assert request.extensions["trace"] == "mine"


def asking_once():
    """
    A call whose question was handed over.
    """
    call = Network(clock=FakeClock()).call(10, asks_once=True)
    call.question = httpx.Request("POST", "https://a.example/", content=b"{}")
    hand_over(call.carried_by(call.question))
    return call


def test_a_call_knows_that_its_first_byte_is_on_its_way():
    call = Network(clock=FakeClock()).call(10, asks_once=True)
    request = call.carried_by(httpx.Request("POST", "https://a.example/"))

    assert not call.was_handed_over
    hand_over(request)
    assert call.was_handed_over
    assert call.is_over()


def test_a_request_without_a_call_is_handed_over_without_a_note():
    hand_over(httpx.Request("POST", "https://a.example/"))


@pytest.mark.parametrize("status", [400, 401, 403, 407, 422, 429])
def test_behind_an_answer_that_accepted_nothing_a_call_may_ask_again(status):
    call = asking_once()
    call.heard(httpx.Response(status, request=call.question))

    assert not call.was_handed_over
    assert not call.is_over()


@pytest.mark.parametrize("status", [200, 201, 302, 408, 409, 500, 503])
@pytest.mark.parametrize(
    "url, body",
    [
        (None, None),
        ("https://a.example/?sign=1", b"{}"),
        ("https://b.example/other", b"{}"),
        ("https://a.example/", b'{"sign":1}'),
        ("https://a.example:443/?sign=1", b'{"sign":1}'),
    ],
    ids=["itself", "query", "elsewhere", "body", "query-and-body"],
)
def test_behind_any_other_answer_a_call_that_asks_once_is_over(status, url, body):
    call = asking_once()
    asked = call.question if url is None else httpx.Request("POST", url, content=body)
    call.heard(httpx.Response(status, request=asked))

    assert call.was_handed_over
    assert call.is_over()


@pytest.mark.parametrize("status", [200, 503])
def test_the_answer_to_something_else_says_nothing_about_the_question(status):
    call = asking_once()
    call.heard(httpx.Response(status, request=httpx.Request("GET", "https://a.example/token")))

    assert not call.is_over()


def test_without_a_question_every_answer_is_to_it():
    call = asking_once()
    call.question = None
    call.heard(httpx.Response(200, request=httpx.Request("GET", "https://a.example/")))

    assert call.is_over()


def test_a_lookup_may_be_asked_again_behind_any_answer():
    call = Network(clock=FakeClock()).call(10)
    call.question = httpx.Request("GET", "https://a.example/")
    hand_over(call.carried_by(call.question))
    call.heard(httpx.Response(503, request=call.question))

    assert call.was_handed_over
    assert not call.is_over()


def test_a_step_takes_the_time_since_the_one_before():
    clock = FakeClock()
    call = Network(clock=clock).call(10)
    clock.advance(1)
    call.passed("connect")
    clock.advance(2)
    call.passed("tls", "verified")

    assert call.steps == [Step("connect", 1), Step("tls", 2, "verified", began=1)]


def test_a_step_that_is_not_timed_still_begins_the_next_one():
    clock = FakeClock()
    call = Network(clock=clock).call(10)
    clock.advance(5)
    call.passed("destination", timed=False)
    clock.advance(1)
    call.passed("connect")

    assert call.steps == [Step("destination", None), Step("connect", 1, began=5)]


def test_a_call_knows_when_it_began_and_how_long_it_lasted():
    clock = FakeClock(now=1_800_000_000.0)
    call = Network(clock=clock).call(10)
    clock.advance(3)

    assert (call.started_at, call.lasted()) == (1_800_000_000.0, 3)


def test_a_try_that_brought_its_answer_has_its_last_step_and_is_one():
    clock = FakeClock()
    call = Network(clock=clock).call(10)
    clock.advance(1)
    call.passed("connect")
    clock.advance(2)
    call.tried("the contact")

    assert call.steps[1:] == [
        Step("status", 2, began=1, status=200),
        Step("attempt", 3, began=0, status=200),
    ]


def test_a_try_that_failed_says_where_and_of_what():
    clock = FakeClock()
    call = Network(clock=clock).call(10)
    clock.advance(1)
    call.tried(EndpointUnavailableError("Away.", detail="status", step="status", status=503))

    failure = ("unavailable", "status")
    assert call.steps == [
        Step("status", 1, failure=failure, status=503),
        Step("attempt", 1, failure=failure, status=503),
    ]


def test_the_pause_before_a_try_is_none_of_its_time():
    """
    Or whoever looks at how quick an endpoint is would see how patient we are.
    """
    clock = FakeClock()
    call = Network(clock=clock).call(10)
    clock.advance(1)
    call.tried(EndpointUnavailableError("Away.", detail="connect", step="connect"))
    clock.advance(3)
    call.begin_try(2)
    clock.advance(2)
    call.tried("the contact")

    assert call.steps[2:] == [
        Step("status", 2, began=4, attempt=2, status=200),
        Step("attempt", 2, began=4, attempt=2, status=200),
    ]


def test_a_call_whose_steps_nobody_reads_notes_none():
    clock = FakeClock()
    call = Network(clock=clock).call(10, is_watched=False)
    call.passed("connect")
    call.tried("the contact")

    assert call.steps == []


# The connection that stands open

HERE = ("https", "contacts.example", 443)
THERE = ("https", "tokens.example", 443)


class Double:
    """
    A connection without a socket.
    """

    opened = 1000.0

    def __init__(self):
        self.quiet = True
        self.closed = False

    def is_quiet(self):
        return self.quiet

    def close(self):
        self.closed = True


@pytest.fixture
def clock():
    return FakeClock()


@pytest.fixture
def pool(clock):
    return Pool(clock)


@pytest.fixture
def call(clock, pool):
    return call_with(clock, pool)


def call_with(clock, pool):
    return Call(None, Deadline(clock, 10), clock, pool=pool)


def parked(call, origin=HERE):
    connection = Double()
    call.park(origin, connection)
    return connection


@pytest.mark.parametrize("has_pool", [True, False])
def test_only_the_lookup_itself_may_reuse_a_connection(clock, pool, has_pool):
    call = call_with(clock, pool if has_pool else None)
    call.question = httpx.Request("GET", "https://contacts.example/p-1")
    other = httpx.Request("GET", "https://contacts.example/token")

    assert call.may_reuse(call.question) is has_pool
    assert not call.may_reuse(other)


def test_what_a_strategy_asks_on_the_way_takes_no_connection_that_was_used(call, pool):
    pool.put(HERE, Double())
    used = parked(call)

    assert call.take(HERE, kept=False) is None
    assert used.closed


def test_what_a_strategy_asks_on_the_way_may_take_the_one_that_a_probe_opened(clock):
    call = call_with(clock, None)
    fresh = parked(call)

    assert call.take(HERE, kept=False) is fresh
    assert not call.is_reused


def test_from_the_end_of_reuse_on_every_answer_has_a_connection_of_its_own(call, pool):
    pool.put(HERE, Double())
    used = parked(call)
    call.stop_reuse()

    assert used.closed
    assert call.take(HERE) is None


@pytest.mark.parametrize("has_pool", [True, False])
def test_a_connection_that_is_parked_is_taken_once(clock, pool, has_pool):
    call = call_with(clock, pool if has_pool else None)
    connection = parked(call)

    assert [call.take(HERE), call.take(HERE)] == [connection, None]
    assert not connection.closed


def test_a_connection_that_was_taken_does_not_end_with_its_call(call):
    connection = parked(call)
    with call:
        call.take(HERE)

    assert not connection.closed


def test_a_connection_for_another_origin_is_closed(call):
    connection = parked(call, THERE)

    assert call.take(HERE) is None
    assert connection.closed


def test_a_connection_that_is_no_longer_quiet_is_closed(call):
    connection = parked(call)
    connection.quiet = False

    assert call.take(HERE) is None
    assert connection.closed


def test_where_none_is_parked_the_pool_is_asked(call, pool):
    idle = Double()
    pool.put(HERE, idle)

    assert call.take(THERE) is None
    assert call.take(HERE) is idle


def test_instead_of_one_that_is_not_quiet_the_pool_is_asked(call, pool):
    idle = Double()
    pool.put(HERE, idle)
    parked(call).quiet = False

    assert call.take(HERE) is idle


def test_only_one_connection_is_parked(call):
    first, second = parked(call, THERE), parked(call)

    assert (first.closed, second.closed) == (True, False)
    assert call.take(HERE) is second


def test_a_connection_whose_answer_is_confirmed_goes_to_the_pool(call, pool):
    with call:
        connection = parked(call)
        call.confirm()

    assert not connection.closed
    assert pool.take(HERE) is connection


@pytest.mark.parametrize("error", [None, LookupError, KeyboardInterrupt])
def test_a_connection_whose_answer_is_not_confirmed_ends_with_its_call(call, pool, error):
    """
    Whatever ends it: what was asked there may still be answered.
    """
    connection = parked(call)
    with contextlib.suppress(LookupError, KeyboardInterrupt), call:
        if error is not None:
            raise error

    assert connection.closed
    assert pool.take(HERE) is None


def test_without_a_pool_a_confirmed_connection_ends_with_its_call(clock):
    with call_with(clock, None) as call:
        connection = parked(call)
        call.confirm()

    assert connection.closed


def test_without_a_connection_there_is_nothing_to_confirm_or_drop(call, pool):
    call.confirm()
    call.drop()

    assert pool.take(HERE) is None


def test_to_confirm_twice_puts_a_connection_into_the_pool_once(call, pool):
    connection = parked(call)
    call.confirm()
    call.confirm()

    assert [pool.take(HERE), pool.take(HERE)] == [connection, None]


def test_a_connection_is_dropped_once(call):
    connection = parked(call)
    call.drop()

    assert connection.closed
    assert call.take(HERE) is None
