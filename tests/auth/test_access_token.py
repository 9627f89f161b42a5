from __future__ import annotations

import base64
import json
import math
import pickle
from datetime import UTC, datetime, timedelta

import pytest

from careof import Secret
from careof.auth import AccessToken
from careof.auth._access_token import (
    LONGEST_LIFETIME,
    begin,
    held,
)
from careof.errors import ConfigurationError
from careof.testing import FakeClock
from tests.support.canary import every_view_of
from tests.support.tokens import insides_of

DAY = 86_400


def token_asked_for_now(clock, *, lifetime=None, expires_in=None, configured=None, leeway=30.0):
    expires_at = None if expires_in is None else clock.time() + expires_in
    return begin(
        AccessToken("t", expires_at, lifetime=lifetime),
        asked_for=(clock.time(), clock.monotonic()),
        configured=configured,
        leeway=leeway,
    )


@pytest.mark.parametrize(
    "now, leeway, fresh",
    [(29, 30, True), (30, 30, False), (31, 30, False), (59, 0, True), (60, 0, False)],
)
def test_a_token_inside_the_leeway_is_no_longer_fresh(now, leeway, fresh):
    token = AccessToken("t", expires_at=60)

    assert token.is_fresh(now, leeway=leeway) is fresh


def test_a_token_without_an_end_is_fresh():
    assert AccessToken("t").is_fresh(1e12, leeway=30)


@pytest.mark.parametrize(
    "stated, lifetime",
    [
        ({}, 60),
        ({"lifetime": 3600}, 3600),
        ({"configured": 900}, 900),
        ({"expires_in": 300}, 300),
        ({"lifetime": 3600, "configured": 900}, 900),
        ({"lifetime": 300, "configured": 900}, 300),
        ({"lifetime": 3600, "configured": 900, "expires_in": 60}, 60),
        ({"lifetime": 0}, 0),
        ({"expires_in": -5}, -5),
        ({"lifetime": 1e12}, LONGEST_LIFETIME),
        ({"configured": math.inf}, LONGEST_LIFETIME),
    ],
)
def test_the_earliest_end_counts_and_a_minute_where_none_is_stated(stated, lifetime):
    clock = FakeClock()

    token = token_asked_for_now(clock, **stated)

    assert token.lifetime == lifetime
    assert token.expires_at == clock.time() + lifetime


def jwt(**claims):
    """
    A JWT with these claims, signed by nobody.
    """
    parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, claims)] + [b"signature"]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


@pytest.mark.parametrize(
    "stated, claims, lifetime",
    [
        (3600, {"iat": 0, "exp": 300}, 300),
        (60, {"iat": 0, "exp": 300}, 60),
        (None, {"iat": 0, "exp": 300}, 300),
        (3600, {"exp": 300}, 300),
        (None, {"exp": 300}, 300),
        (3600, {}, 3600),
        (None, {}, 60),
    ],
)
def test_the_end_that_a_jwt_names_counts_as_any_other(stated, claims, lifetime):
    clock = FakeClock()
    at = {name: clock.time() + seconds for name, seconds in claims.items()}

    token = begin(
        AccessToken(jwt(sub="surveys", **at), lifetime=stated),
        asked_for=(clock.time(), clock.monotonic()),
        configured=None,
        leeway=30,
    )

    assert token.seconds_left(clock) == lifetime


def test_a_wall_clock_that_is_fast_kills_no_jwt_at_birth():
    """
    worldmonitor#5932: where the clock was wrong, every token seemed to have expired.
    """
    clock = FakeClock()
    issued = clock.time()
    clock.set_wall(issued + DAY)

    token = begin(
        AccessToken(jwt(iat=issued, exp=issued + 3600)),
        asked_for=(clock.time(), clock.monotonic()),
        configured=None,
        leeway=30,
    )

    assert token.is_alive(clock)


@pytest.mark.parametrize("passed, alive", [(0, True), (99.5, True), (100, False), (101, False)])
def test_a_token_is_dead_when_its_lifetime_has_passed(passed, alive):
    clock = FakeClock()
    token = token_asked_for_now(clock, lifetime=100)

    clock.advance(passed)

    assert token.is_alive(clock) is alive


@pytest.mark.parametrize(
    "lifetime, leeway, begins",
    [
        (1000, 30, 970),  # the leeway
        (150, 30, 120),  # both are 30
        (100, 30, 80),  # a fifth of the lifetime
        (20, 30, 16),
        (20, 3600, 16),
        (1000, 0, 1000),
    ],
)
def test_a_token_is_refreshed_when_the_leeway_or_a_fifth_of_its_life_is_left(
    lifetime, leeway, begins
):
    clock = FakeClock()
    token = token_asked_for_now(clock, lifetime=lifetime, leeway=leeway)

    clock.advance(begins - 0.5)
    before = token.is_young(clock)
    clock.advance(0.5)

    assert before is True
    assert token.is_young(clock) is False


def test_a_lifetime_counts_from_when_the_token_was_asked_for():
    clock = FakeClock()
    asked_for = clock.time(), clock.monotonic()
    clock.advance(40)

    token = begin(AccessToken("t", lifetime=100), asked_for=asked_for, configured=None, leeway=30)

    assert token.seconds_left(clock) == 60


def test_a_token_dies_while_the_machine_sleeps():
    """
    The monotonic clock stands still, the token does not.
    """
    clock = FakeClock()
    token = token_asked_for_now(clock, lifetime=100)

    clock.suspend(99)
    before = token.is_alive(clock), token.is_young(clock)
    clock.suspend(1)

    assert before == (True, False)
    assert (token.is_alive(clock), token.is_young(clock)) == (False, False)


@pytest.mark.parametrize("passed, alive", [(99, True), (100, False)])
def test_a_wall_clock_that_is_turned_back_prolongs_nothing(passed, alive):
    clock = FakeClock()
    token = token_asked_for_now(clock, lifetime=100)

    clock.set_wall(clock.time() - DAY)
    clock.advance(passed)

    assert token.is_alive(clock) is alive


def test_a_token_that_a_host_puts_into_a_cache_lives_until_it_expires():
    clock = FakeClock()
    token = held(AccessToken("t", clock.time() + 10))

    assert token.is_alive(clock)
    assert token.is_young(clock)
    clock.advance(10)
    assert not token.is_alive(clock)


@pytest.mark.parametrize("passed, left", [(0, 100), (100, 0), (200, 0)])
def test_the_seconds_that_are_left_are_never_negative(passed, left):
    clock = FakeClock()
    token = token_asked_for_now(clock, lifetime=100)

    clock.advance(passed)

    assert token.seconds_left(clock) == left


@pytest.mark.parametrize("name", ["value", "expires_at", "lifetime"])
@pytest.mark.parametrize("kind", [lambda token: token, held])
def test_a_token_cannot_be_changed(name, kind):
    token = kind(AccessToken("t"))

    with pytest.raises(AttributeError, match=f"{name} cannot be changed"):
        setattr(token, name, 60)


@pytest.mark.parametrize("kind", [lambda token: token, held])
@pytest.mark.parametrize("value", ["hidden-token", Secret("hidden-token")])
def test_a_token_is_sealed(value, kind):
    token = kind(AccessToken(value, 60, lifetime=60))

    assert token.value.reveal() == "hidden-token"
    assert "hidden-token" not in "".join(every_view_of(token))


def test_a_token_refuses_to_be_pickled():
    with pytest.raises(TypeError, match=r"^AccessToken refuses to be pickled"):
        pickle.dumps(AccessToken("hidden-token"))


@pytest.mark.parametrize("value", ["", None, 5, b"hidden-token"])
def test_a_token_is_a_text(value):
    with pytest.raises(ConfigurationError):
        AccessToken(value)


NO_TIMES = [
    "3600",
    timedelta(hours=1),
    datetime(2026, 11, 30, tzinfo=UTC),
    True,
    math.nan,
    10**400,
    -1e19,
    b"1",
    [],
]


@pytest.mark.parametrize("time", NO_TIMES, ids=repr)
@pytest.mark.parametrize(
    "name, expected",
    [("expires_at", "seconds since 1970"), ("lifetime", "seconds from when the token was")],
)
def test_a_time_that_is_no_number_of_seconds_is_refused_at_once(name, time, expected):
    """
    A lifetime that is NaN would cost a token request for every lookup.
    """
    with pytest.raises(ConfigurationError, match=f"^AccessToken: {name}: expected.* {expected}"):
        AccessToken("hidden-token", **{name: time})


def test_the_error_about_a_time_shows_no_token():
    caught = None
    try:
        AccessToken("hidden-token", "hidden-token")
    except ConfigurationError as error:
        caught = error

    assert caught.detail == "strategy"
    assert "__init__" in insides_of(caught)
    assert "hidden" not in insides_of(caught)


@pytest.mark.parametrize("time", [0, -1, 0.5, 2e9, math.inf, -math.inf, None])
def test_any_number_of_seconds_is_taken(time):
    token = AccessToken("t", time, lifetime=time)

    assert (token.expires_at, token.lifetime) == (time, time)
