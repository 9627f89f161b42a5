"""
A strategy whose next token request is another one, as the answer says.
"""

from __future__ import annotations

import threading

import attrs
import httpx

from careof.auth import AccessToken
from careof.auth._claim import _FLIGHTS
from careof.auth._history import history_of
from careof.auth._lease import Lease
from careof.errors import AuthenticationError
from careof.testing import FakeClock
from tests.support.crowds import landed, looked_up, outcome_of
from tests.support.steps import driven
from tests.support.tokens import (
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    request_in,
    wait_until,
)


@attrs.define
class Next:
    """
    The ticket that an answer brings for the next request.
    """

    auth: TicketAuth
    ticket: int

    @property
    def identity(self):
        return ("ticket", self.ticket)

    def commit(self):
        self.auth.ticket = self.ticket
        self.auth.tell(self.ticket)


class TicketAuth(VoucherAuth):
    """
    A strategy that asks with a ticket, which is good once.
    """

    def __init__(self, *, tell=lambda ticket: None, **options):
        options.setdefault("cache", WatchedCache())
        super().__init__(**options)
        self.ticket = 1
        self.tell = tell

    def identity(self):
        return ("ticket", self.ticket)

    def token_request(self):
        return httpx.Request("POST", TOKEN_URL, content=str(self.ticket))

    def _rotation(self, response):
        return Next(self, self.ticket + 1)


def tickets_of(server):
    return [request.content.decode() for request in server.token_requests]


def test_the_token_is_found_by_whoever_comes_with_the_next_ticket(shell):
    server = TokenServer()
    auth = TicketAuth()

    outcomes = [looked_up(shell, auth, server) for _ in range(3)]

    assert outcomes == [EMAIL] * 3
    assert tickets_of(server) == ["1"]
    assert auth.ticket == 2


def test_each_request_has_the_ticket_that_the_last_answer_brought(shell):
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    auth = TicketAuth(clock=clock)

    for _ in range(3):
        looked_up(shell, auth, server)
        clock.advance(100)

    assert tickets_of(server) == ["1", "2", "3"]


def test_a_refresh_near_the_end_has_the_next_ticket_as_well(shell):
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    auth = TicketAuth(clock=clock)
    looked_up(shell, auth, server)
    clock.advance(80)

    looked_up(shell, auth, server)
    landed()
    looked_up(shell, auth, server)

    assert tickets_of(server) == ["1", "2"]
    assert server.lookups == ["Bearer token-1", "Bearer token-1", "Bearer token-2"]


def test_a_rejected_token_is_replaced_with_the_next_ticket(shell):
    server = TokenServer()
    auth = TicketAuth()
    looked_up(shell, auth, server)
    server.revoke()

    outcome = looked_up(shell, auth, server)

    assert outcome == EMAIL
    assert tickets_of(server) == ["1", "2"]


def test_whoever_comes_with_the_next_ticket_while_the_flight_is_up_joins_it(shell):
    """
    Two requests with one refresh token look like a theft, and end all of its family.
    """
    told, may_go_on = threading.Event(), threading.Event()

    def tell(ticket):
        told.set()
        assert may_go_on.wait(10)

    server = TokenServer()
    auth = TicketAuth(tell=tell)
    first = Lease(auth, request_in(server))
    flight = first._joined()
    assert told.wait(10)

    late = Lease(auth, request_in(server))
    joined = late._under_way()
    may_go_on.set()
    token = driven(shell, late.fetched())

    assert late._key != first._key
    assert joined is flight
    assert token.value.reveal() == "token-1"
    assert tickets_of(server) == ["1"]


def test_nobody_can_have_the_next_ticket_before_its_flight_is_known():
    """
    Who came in between would begin another one.
    """
    seen = []

    class LateAuth(TicketAuth):
        def _rotation(self, response):
            return Watching(self, self.ticket + 1)

    class Watching(Next):
        def commit(self):
            super().commit()
            seen.append(Lease(self.auth, request_in(server))._under_way() is not None)

    server = TokenServer()
    Lease(LateAuth(), request_in(server))._joined().result(10)

    assert seen == [True]


def test_when_the_flight_has_landed_it_is_under_way_under_no_name():
    server = TokenServer()
    auth = TicketAuth()
    first = Lease(auth, request_in(server))
    flight = first._joined()

    flight.result(10)
    second = Lease(auth, request_in(server))

    assert (first._under_way(), second._under_way()) == (None, None)
    assert not {first._place, second._place} & set(_FLIGHTS._threads)


def test_the_host_is_told_before_anybody_uses_the_token(shell):
    order = []
    server = TokenServer()
    auth = TicketAuth(tell=lambda ticket: order.append(len(server.lookups)))

    looked_up(shell, auth, server)

    assert order == [0]


class UnwillingError(Exception):
    """
    Of a host whose database is away.
    """


def refuse(ticket):
    raise UnwillingError("hidden")


def test_a_host_that_cannot_be_told_ends_the_call_and_the_token_is_not_used(shell):
    server = TokenServer()
    auth = TicketAuth(tell=refuse)

    error = looked_up(shell, auth, server)

    assert type(error) is AuthenticationError
    assert (error.detail, error.step) == ("strategy:UnwillingError", "token")
    assert "hidden" not in str(error)
    assert server.lookups == []
    assert auth.cache.fillings == 0


def test_the_pause_that_follows_belongs_to_the_next_ticket():
    """
    Whoever comes then has that one.
    """
    clock = FakeClock()
    server = TokenServer()
    auth = TicketAuth(tell=refuse, clock=clock)
    before = Lease(auth, request_in(server))
    before._joined().result(10)
    after = Lease(auth, request_in(server))

    assert history_of(before._place) is None
    assert history_of(after._place).leaves_alone(clock)
    assert after._refused().detail == "strategy:UnwillingError"


def test_after_the_pause_the_next_ticket_is_used(shell):
    clock = FakeClock()
    server = TokenServer()
    auth = TicketAuth(tell=refuse, clock=clock)
    looked_up(shell, auth, server)
    looked_up(shell, auth, server)
    auth.tell = lambda ticket: None
    clock.advance(20)

    outcome = looked_up(shell, auth, server)

    assert outcome == EMAIL
    assert tickets_of(server) == ["1", "2"]


def test_an_answer_that_changes_nothing_leaves_the_key(shell):
    class SameAuth(TicketAuth):
        def _rotation(self, response):
            return None

    server = TokenServer()
    auth = SameAuth()
    lease = Lease(auth, request_in(server))

    token = driven(shell, lease.fetched())

    assert auth.cache.get(lease._key) is token


def test_an_answer_without_a_token_brings_the_next_ticket_all_the_same(shell):
    """
    The one that was sent is spent.
    """

    class StrictAuth(TicketAuth):
        def read_token(self, response):
            if response.json().get("access_token") is None:
                raise AuthenticationError("No token.", detail="none", step="token")
            return super().read_token(response)

    server = TokenServer()
    server.answer = httpx.Response(200, json={"ticket": 5})
    auth = StrictAuth()

    error = looked_up(shell, auth, server)

    assert error.detail == "none"
    assert auth.ticket == 2


def test_a_replacement_that_comes_with_the_next_ticket_is_on_trial_under_its_name():
    """
    An endpoint that minds something else would cost a token a lookup otherwise.
    """
    clock = FakeClock()
    server = TokenServer()
    auth = TicketAuth(clock=clock)
    Lease(auth, request_in(server))._joined().result(10)
    rejected = Lease(auth, request_in(server))
    token = rejected.at_hand()

    rejected._joined(token).result(10)
    after = Lease(auth, request_in(server))

    assert after.at_hand().is_on_trial
    assert not history_of(after._place).may_replace(clock)


def test_many_threads_use_each_ticket_once():
    clock = FakeClock()
    server = TokenServer(lifetime=100)
    auth = TicketAuth(clock=clock)
    outcomes = []

    def look_up():
        from careof import HttpResolver
        from tests.support.tokens import resolver

        outcomes.append(outcome_of(resolver(HttpResolver, auth, server, clock=clock).resolve))

    for round_ in range(1, 4):
        threads = [threading.Thread(target=look_up) for _ in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wait_until(lambda: len(server.token_requests) == round_)  # noqa: B023
        clock.advance(100)

    assert outcomes == [EMAIL] * 60
    assert tickets_of(server) == ["1", "2", "3"]


def test_what_is_no_token_ends_the_call_and_the_ticket_is_told(shell):
    class NoneAuth(TicketAuth):
        def read_token(self, response):
            return AccessToken

    server = TokenServer()
    auth = NoneAuth()

    error = looked_up(shell, auth, server)

    assert error.detail == "strategy"
    assert auth.ticket == 2
