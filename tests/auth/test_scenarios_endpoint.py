"""
What goes wrong with tokens, D: the token endpoint.

Each test tells of something that happened to somebody; ``test_token_scenarios``
has the table.
"""

from __future__ import annotations

import httpx
import pytest

from careof import RetryPolicy, Secret
from careof.auth import OAuth2ClientCredentials, TokenEndpointAuth
from careof.auth._history import JITTER, LASTING_PAUSES, PASSING_PAUSES
from careof.errors import AuthenticationError, EndpointUnavailableError, RateLimitedError
from careof.testing import FakeClock
from tests.support.canary import all_logs
from tests.support.crowds import (
    held,
    in_asyncio,
    in_loops_and_threads,
    in_threads,
    in_trio,
    looked_up,
)
from tests.support.tokens import (
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    insides_of,
)


@pytest.mark.parametrize(
    "crowd, size",
    [(in_asyncio, 200), (in_trio, 200), (in_threads, 50), (in_loops_and_threads, 850)],
)
def test_an_endpoint_that_is_down_is_asked_once_for_a_crowd(crowd, size):
    """
    msal-dotnet#4196, zeebe-client-node-js#244, mcp-server-neon#231, aidevops#5303.
    """
    server = TokenServer()
    server.answer = httpx.Response(503)
    auth = VoucherAuth(cache=WatchedCache())

    with held(server, until=lambda: auth.cache.misses >= size):
        errors = crowd(auth, server, retry=RetryPolicy.never())

    assert len(server.token_requests) == 1
    assert {(type(error), error.status, error.step) for error in errors} == {
        (EndpointUnavailableError, 503, "token")
    }
    assert len(errors) == size


@pytest.mark.parametrize(
    "answer, pause",
    [
        (httpx.Response(503), PASSING_PAUSES[0]),
        (httpx.Response(429), PASSING_PAUSES[0]),
        (httpx.Response(503, headers={"Retry-After": "20"}), 20.0),
        (httpx.Response(429, headers={"Retry-After": "20"}), 20.0),
    ],
    ids=["503", "429", "503 and Retry-After", "429 and Retry-After"],
)
def test_the_next_request_comes_after_the_pause_and_no_sooner(shell, answer, pause):
    """
    msal-dotnet#4196, and aidevops#5303.
    """
    clock = FakeClock()
    server = TokenServer()
    server.answer = answer
    auth = VoucherAuth(cache=WatchedCache(), clock=clock)
    options = {"clock": clock, "retry": RetryPolicy.never()}
    looked_up(shell, auth, server, **options)
    requests = []

    for seconds in (0, pause - 0.01, 0.01 + pause * JITTER):
        clock.advance(seconds)
        looked_up(shell, auth, server, **options)
        requests.append(len(server.token_requests))

    assert requests == [1, 1, 2]


def test_an_hour_of_failures_costs_few_requests(shell):
    """
    zeebe-client-node-js#244: a request for each caller, for as long as it lasted.
    """
    clock = FakeClock()
    server = TokenServer()
    server.answer = httpx.Response(500)
    auth = VoucherAuth(cache=WatchedCache(), clock=clock)

    for _ in range(360):  # a lookup every ten seconds
        looked_up(shell, auth, server, clock=clock, retry=RetryPolicy.never())
        clock.advance(10)

    assert len(server.token_requests) <= 3600 / PASSING_PAUSES[1] + 5


def test_no_caller_sleeps_until_the_pause_is_over(shell):
    """
    camunda-8-js-sdk#605: it froze the host's user interface.  Here no time
    passes at all, and everybody hears why.
    """
    clock = FakeClock()
    server = TokenServer()
    server.answer = httpx.Response(503, headers={"Retry-After": "20"})
    auth = VoucherAuth(cache=WatchedCache(), clock=clock)
    before = clock.monotonic()

    errors = [looked_up(shell, auth, server, clock=clock) for _ in range(3)]

    assert clock.monotonic() == before
    assert [round(error.retry_after) for error in errors] == [20, 20, 20]
    assert all(error.status == 503 for error in errors)
    assert len(server.token_requests) == 1


@pytest.mark.parametrize("status", [400, 401])
def test_a_client_that_is_refused_is_not_tried_again_and_waits_longer(shell, status):
    """
    zalando/tokens#10.
    """
    clock = FakeClock()
    server = TokenServer()
    server.answer = httpx.Response(status, json={"error": "invalid_client"})
    auth = OAuth2ClientCredentials(TOKEN_URL, "client", "wrong", clock=clock)
    errors, requests = [], []

    for seconds in (0, LASTING_PAUSES[0] - 0.01, 0.01 + LASTING_PAUSES[0] * JITTER):
        clock.advance(seconds)
        errors.append(looked_up(shell, auth, server, clock=clock))
        requests.append(len(server.token_requests))

    assert {(type(error), error.error) for error in errors} == {
        (AuthenticationError, "invalid_client")
    }
    assert requests == [1, 1, 2]


def test_a_secret_that_is_mended_works_at_once(shell):
    """
    zalando/tokens#10.  What is left alone is the wrong secret, not the endpoint.
    """
    secret = ["wrong"]
    server = TokenServer()
    server.answer = httpx.Response(401, json={"error": "invalid_client"})
    auth = OAuth2ClientCredentials(TOKEN_URL, "client", Secret.from_callable(lambda: secret[0]))
    error = looked_up(shell, auth, server)
    server.answer = None

    secret[0] = "right"
    outcome = looked_up(shell, auth, server)

    assert error.error == "invalid_client"
    assert outcome == EMAIL


ANSWERS = {
    "an error": {"json": {"error": "invalid_grant", "error_description": "hidden"}},
    "no token": {"json": {"token": "hidden"}},
    "HTML": {"html": "<p>hidden</p>"},
    "no JSON": {"text": "hidden"},
    "nothing": {},
    "a number": {"json": {"access_token": 5, "refresh_token": "hidden"}},
    "a list": {"json": {"access_token": ["hidden"]}},
    "a longer path": {"json": {"data": {"access_token": "hidden"}}},
    "two readings": {"content": b'{"access_token": "hidden", "access_token": "hidden"}'},
}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_a_200_without_a_token_names_what_is_missing_and_never_the_body(shell, answer):
    """
    Seen with httpx-auth: the error prints the answer, with the token.
    """
    server = TokenServer()
    server.answer = httpx.Response(200, **answer)
    auth = TokenEndpointAuth(TOKEN_URL, form={"key": Secret("hidden")})

    with all_logs() as logs:
        error = looked_up(shell, auth, server)

    assert type(error) is AuthenticationError
    assert "200" in str(error)
    assert "$.access_token" in str(error) or "not JSON" in str(error)
    assert (error.status, error.step) == (200, "token")
    assert "hidden" not in insides_of(error) + "".join(logs)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "location", ["http://id.customer.example/token", "https://hidden.example/token"]
)
def test_a_redirect_of_the_token_request_is_not_followed(shell, status, location):
    """
    Seen with others: a 307 to http sends the secret again, for all to read.
    """
    server = TokenServer()
    server.answer = httpx.Response(status, headers={"Location": location})
    auth = OAuth2ClientCredentials(TOKEN_URL, "client", "secret")

    error = looked_up(shell, auth, server)

    assert [str(request.url) for request in server.token_requests] == [TOKEN_URL]
    assert (type(error), error.status) == (AuthenticationError, status)
    assert "hidden" not in insides_of(error)


def test_an_endpoint_that_wants_fewer_calls_says_so_to_all(shell):
    """
    aidevops#5303.
    """
    server = TokenServer()
    server.answer = httpx.Response(429, headers={"Retry-After": "20"})

    error = looked_up(shell, VoucherAuth(cache=WatchedCache()), server)

    assert (type(error), error.retry_after) == (RateLimitedError, 20.0)
