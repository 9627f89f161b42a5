"""
What goes wrong with tokens, C: when they end.

Each test tells of something that happened to somebody; ``test_token_scenarios``
has the table.
"""

from __future__ import annotations

import functools

import httpx
import pytest

from careof._network.waits import drive
from careof.auth import AccessToken, MemoryTokenCache, TokenEndpointAuth
from careof.auth._access_token import DEFAULT_LIFETIME, LONGEST_LIFETIME
from careof.auth._history import JITTER, PASSING_PAUSES
from careof.auth._lease import Lease
from careof.testing import FakeClock
from tests.support.crowds import in_asyncio, in_threads, in_trio, landed
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

DAY = 86_400.0


class Life:
    """
    One strategy over time: what a lookup would be sent with, second after second.
    """

    def __init__(self, server, *, kind=VoucherAuth, **options):
        self.clock = FakeClock()
        self.server = server
        self.auth = kind(cache=MemoryTokenCache(), clock=self.clock, **options)

    def lease(self):
        return Lease(self.auth, request_in(self.server))

    def token(self):
        """
        The token of a lookup now; a refresh that it sends for lands before the next one.
        """
        lease = self.lease()
        found = lease.at_hand() or drive(lease.fetched())
        landed()
        return found.value.reveal() if isinstance(found, AccessToken) else found

    def after(self, seconds):
        self.clock.advance(seconds)
        return self.token()

    @property
    def requests(self):
        return len(self.server.token_requests)


@pytest.mark.parametrize("lifetime", [5, 20, 30, 40, 60])
def test_a_life_shorter_than_the_leeway_is_used_for_the_most_part(lifetime):
    """
    esp-v2#137; with Authlib and httpx-auth one token request a call.
    """
    life = Life(TokenServer(lifetime=lifetime))

    tokens = {life.token()} | {life.after(0.8 * lifetime / 40) for _ in range(39)}

    assert tokens == {"token-1"}
    assert life.requests == 1


def test_a_server_that_repeats_a_token_until_it_dies_is_not_hammered():
    """
    wso2/api-manager#773.
    """

    class SameToken(VoucherAuth):
        def read_token(self, response):
            return AccessToken("the-one", end)

    life = Life(TokenServer(), kind=SameToken)
    end = life.clock.time() + 300
    tokens = {life.token()}

    for _ in range(299):
        tokens.add(life.after(1))

    assert tokens == {"the-one"}
    assert life.requests <= 8  # over the 30 seconds of the leeway


@pytest.mark.parametrize(
    "answer, expected",
    [
        ({}, DEFAULT_LIFETIME),
        ({"expires_in": None}, DEFAULT_LIFETIME),
        ({"expires_in": "soon"}, DEFAULT_LIFETIME),
        ({"expires_in": ""}, DEFAULT_LIFETIME),
        ({"expires_in": True}, DEFAULT_LIFETIME),
        ({"expires_in": [3600]}, DEFAULT_LIFETIME),
        ({"expires_in": 3600}, 3600.0),
        ({"expires_in": "3600"}, 3600.0),
        ({"expires_in": "3600.0"}, 3600.0),
        ({"expires_in": 3600.5}, 3600.5),
        ({"expires_in": 0}, 0.0),
        ({"expires_in": "0"}, 0.0),
        ({"expires_in": -1}, 0.0),
    ],
    ids=repr,
)
def test_whatever_a_server_says_about_the_lifetime_has_a_meaning(shell, answer, expected):
    """
    open-connector#266: for ever; gestalt#1730: never kept.
    """
    clock = FakeClock()
    server = TokenServer()
    server.answer = httpx.Response(200, json={"access_token": "t", **answer})
    auth = TokenEndpointAuth(TOKEN_URL, cache=WatchedCache(), clock=clock)

    token = driven(shell, Lease(auth, request_in(server)).fetched())

    assert token.seconds_left(clock) == expected


@pytest.mark.parametrize("huge", [1e12, 1e300, 10**30, "1e15", -1e300])
def test_no_token_lives_for_ever(huge):
    """
    open-connector#266.
    """
    life = Life(TokenServer(lifetime=huge), kind=functools.partial(TokenEndpointAuth, TOKEN_URL))

    tokens = [life.token(), life.after(LONGEST_LIFETIME)]

    assert tokens == ["token-1", "token-2"]


def test_a_token_for_one_use_is_used_once_by_each_who_waited_for_it():
    """
    gestalt#1730: a lifetime of zero is no crash and no token that stays.
    """
    life = Life(TokenServer(lifetime=0))

    tokens = [life.token(), life.token()]

    assert tokens == ["token-1", "token-2"]


def test_a_lifetime_counts_from_when_the_token_was_asked_for():
    """
    databricks/zerobus-sdk#701.
    """
    server = TokenServer(lifetime=100)
    server.hold()
    life = Life(server)
    flight = life.lease()._joined()
    wait_until(lambda: server.token_requests)
    life.clock.advance(40)
    server.release()
    flight.result(10)

    tokens = [life.after(0), life.after(59), life.after(1)]

    assert tokens == ["token-1", "token-1", "token-2"]
    assert life.requests == 2


@pytest.mark.parametrize("wrong", [-DAY, DAY], ids=["a day behind", "a day ahead"])
def test_a_wall_clock_that_is_wrong_changes_no_life(wrong):
    """
    worldmonitor#5932.
    """
    life = Life(TokenServer(lifetime=100))
    life.clock.set_wall(life.clock.time() + wrong)

    tokens = [life.token(), life.after(79)]
    left = life.lease().at_hand().seconds_left(life.clock)

    assert tokens == ["token-1", "token-1"]
    assert left == 21


def test_a_wall_clock_that_is_turned_back_makes_no_life_longer():
    """
    worldmonitor#5932.
    """
    life = Life(TokenServer(lifetime=100), leeway=0)
    life.token()
    life.clock.set_wall(life.clock.time() - DAY)

    tokens = [life.after(99), life.after(1)]

    assert tokens == ["token-1", "token-2"]


def test_a_wall_clock_that_is_turned_ahead_costs_one_token():
    """
    worldmonitor#5932.  It cannot be told from a machine that slept.
    """
    life = Life(TokenServer(lifetime=100))
    life.token()
    life.clock.set_wall(life.clock.time() + DAY)

    tokens = [life.token(), life.after(1), life.after(70)]

    assert tokens == ["token-2"] * 3


def test_a_token_does_not_outlive_the_sleep_of_its_machine():
    """
    librespot#1617, omamail#238, pizauth#47: the monotonic clock stands still.
    """
    life = Life(TokenServer(lifetime=100), leeway=0)
    life.token()
    life.clock.suspend(99)
    before = life.token()
    life.clock.suspend(1)

    assert [before, life.token()] == ["token-1", "token-2"]


@pytest.mark.parametrize("passed, requests", [(969.999, 1), (970, 2)])
def test_the_leeway_is_taken_off_the_end(passed, requests):
    """
    requests_oauth2client#22: it was added.
    """
    life = Life(TokenServer(lifetime=1000))
    life.token()

    life.after(passed)

    assert life.requests == requests


@pytest.mark.parametrize("passed, token", [(999.999, "token-1"), (1000, "token-2")])
def test_a_token_is_good_before_its_end_and_not_at_it(passed, token):
    """
    cloud-storage-rs#101: the comparison was the wrong way round.
    """
    life = Life(TokenServer(lifetime=1000), leeway=0)
    life.token()

    assert life.after(passed) == token


def test_a_refresh_that_fails_leaves_the_token_that_is_good():
    """
    And is tried again after a pause, not at the pace of the lookups.
    """
    server = TokenServer(lifetime=1000)
    life = Life(server)
    life.token()
    server.answer = httpx.Response(503)
    life.after(970)
    tokens = [life.token() for _ in range(50)]
    requests = life.requests
    server.answer = None

    after = [life.after(PASSING_PAUSES[0] * (1 + JITTER)), life.token()]

    assert set(tokens) == {"token-1"}
    assert requests == 2
    assert after == ["token-1", "token-3"]


def test_when_refreshes_failed_until_its_end_the_token_is_not_used_any_more():
    """
    The other half: what is dead is not served, whatever the endpoint does.
    """
    server = TokenServer(lifetime=1000)
    life = Life(server)
    life.token()
    server.answer = httpx.Response(503)

    outcomes = [life.after(970)] + [life.after(1) for _ in range(30)]

    assert outcomes[:30] == ["token-1"] * 30
    assert outcomes[30].status == 503
    assert life.requests <= 8


@pytest.mark.parametrize("crowd, size", [(in_asyncio, 200), (in_trio, 200), (in_threads, 50)])
def test_near_its_end_one_refreshes_and_nobody_waits(crowd, size):
    """
    ocm-sdk-go#232.
    """
    server = TokenServer(lifetime=1000)
    life = Life(server)
    life.token()
    life.clock.advance(970)
    server.hold()

    outcomes = crowd(life.auth, server, clock=life.clock)
    server.release()
    landed()

    assert outcomes == [EMAIL] * size
    assert set(server.lookups) == {"Bearer token-1"}
    assert life.requests == 2
    assert life.token() == "token-2"
