"""
What goes wrong with tokens, F: what is shown of them.

Each test tells of something that happened to somebody; ``test_token_scenarios``
has the table.
"""

from __future__ import annotations

import pickle

import httpx
import pytest

from careof import Secret
from careof._network.network import Network
from careof.auth import (
    AccessToken,
    ApiKeyAuth,
    BasicAuth,
    BearerAuth,
    MemoryTokenCache,
    OAuth2ClientCredentials,
    TokenEndpointAuth,
    _claim,
)
from careof.auth._access_token import HeldToken
from careof.auth._lease import Lease
from careof.errors import ConfigurationError
from tests.support.canary import SECRET, all_logs, every_view_of, every_view_of_error, seen_in
from tests.support.crowds import looked_up
from tests.support.raising import error_of
from tests.support.tokens import (
    CONTACT_URL,
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    request_in,
)

ENDS = ["\n", "\r", "\r\n"]
# What is built, with the value where a host puts it.
BUILT = {
    "Secret": lambda value: (Secret, (value,), {}),
    "BasicAuth": lambda value: (BasicAuth, ("user", value), {}),
    "BasicAuth's user": lambda value: (BasicAuth, (value, "password"), {}),
    "BearerAuth": lambda value: (BearerAuth, (value,), {}),
    "ApiKeyAuth": lambda value: (ApiKeyAuth, ("X-Key", value), {}),
    "in the query": lambda value: (ApiKeyAuth, ("key", value), {"location": "query"}),
    "client_secret": lambda value: (OAuth2ClientCredentials, (TOKEN_URL, "client", value), {}),
    "a header": lambda value: (TokenEndpointAuth, (TOKEN_URL,), {"headers": {"X-Key": value}}),
}


@pytest.mark.parametrize("end", ENDS, ids=repr)
@pytest.mark.parametrize("build", BUILT.values(), ids=BUILT)
def test_a_secret_with_a_line_break_at_its_end_is_refused_and_not_quoted(build, end):
    """
    typesafe-sdk-python#9, deer-flow#5097, feature-store-api#1145.
    """
    kind, arguments, options = build(SECRET + end)

    error = error_of(kind, *arguments, **options)

    assert type(error) is ConfigurationError
    assert seen_in(every_view_of_error(error)) == []


def test_a_secret_that_comes_from_its_source_with_a_line_break_is_not_quoted_either(shell):
    """
    feature-store-api#1145.
    """
    auth = BearerAuth(Secret.from_callable(lambda: SECRET + "\n"))

    error = looked_up(shell, auth, TokenServer())

    assert error.step == "token"
    assert seen_in(every_view_of_error(error)) == []


def strategy():
    return TokenEndpointAuth(
        TOKEN_URL,
        headers={"X-Key": Secret(SECRET)},
        form={"password": Secret(SECRET), "user": "kim"},
    )


def canary_server():
    server = TokenServer()
    body = {"access_token": SECRET, "expires_in": 60, "refresh_token": SECRET}
    server.answer = httpx.Response(200, json=body, headers={"Set-Cookie": f"s={SECRET}"})
    server._accepted.add(f"Bearer {SECRET}")
    return server


def test_no_log_at_any_level_names_a_secret_or_a_token(shell):
    """
    requests-oauthlib#536, requests_auth#62.
    """
    server = canary_server()

    with all_logs() as logs:
        outcome = looked_up(shell, strategy(), server)

    assert outcome == EMAIL
    assert SECRET in server.token_requests[0].content.decode()
    assert seen_in(logs, [SECRET]) == []


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"error": "invalid_client", "error_description": SECRET}),
        httpx.Response(200, text=SECRET),
        httpx.Response(503, text=SECRET),
        httpx.Response(200, json={"access_token": f"{SECRET}\n{SECRET}"}),
    ],
    ids=["refused", "no JSON", "down", "no token for a header"],
)
def test_no_failure_shows_a_secret_or_a_token_in_any_view_of_it(shell, answer):
    """
    requests-oauthlib#536.  Locals of frames, causes and logs included.
    """
    server = TokenServer()
    server.answer = answer

    with all_logs() as logs:
        error = looked_up(shell, strategy(), server)

    assert error.step == "token"
    assert seen_in([*every_view_of_error(error), *logs], [SECRET]) == []


def all_things():
    """
    What holds a token or the secret it was asked for with, after a lookup.
    """
    server = canary_server()
    auth = strategy()
    lease = Lease(auth, request_in(server))
    token = lease._joined().result(10)
    cache = MemoryTokenCache()
    cache.set("key", token)
    return {
        "the strategy": auth,
        "its memory of itself": auth.careof_fingerprint,
        "the lease": lease,
        "the token": token,
        "a token of the host": AccessToken(SECRET, 60.0, lifetime=60.0),
        "a held token": HeldToken(AccessToken(SECRET)),
        "the cache": cache,
        "the secret": Secret(SECRET),
        "its headers": auth._headers,
    }


@pytest.mark.parametrize("name", all_things())
def test_no_view_of_a_thing_shows_what_it_holds(name):
    """
    requests_auth#62: repr, str, format, rich, pickle.
    """
    thing = all_things()[name]

    assert seen_in(every_view_of(thing), [SECRET]) == []


@pytest.mark.parametrize(
    "name", ["the strategy", "the token", "a token of the host", "the secret"]
)
def test_what_holds_a_secret_is_not_written_to_a_file_or_a_queue(name):
    """
    requests_auth#62.
    """
    with pytest.raises(TypeError, match="refuses to be pickled"):
        pickle.dumps(all_things()[name])


def test_the_work_of_a_flight_shows_nothing():
    """
    A debugger in its thread prints it, request and all.
    """
    works = []

    class Board:
        def under_way(self, place):
            return None

        def join(self, place, work, *, patience):
            works.append(work)

    auth = strategy()
    lease = Lease(auth, request_in(canary_server()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_claim, "_FLIGHTS", Board())
        lease._joined()

    assert SECRET in works[0].request.content.decode()
    assert seen_in(every_view_of(works[0]), [SECRET]) == []


def test_the_client_of_a_host_sees_nothing_of_the_token_request(monkeypatch):
    """
    Seen with httpx-auth and Authlib: the answer with the token in
    ``response.history``, in event hooks, its cookies in the client's jar.
    """
    server = canary_server()
    network = Network(transport=server)
    monkeypatch.setattr(_claim, "own_network", lambda: network)
    seen = []
    hooks = {"request": [seen.append], "response": [lambda answer: seen.append(answer.request)]}

    with httpx.Client(transport=server, auth=VoucherAuth(), event_hooks=hooks) as client:
        answers = [client.get(CONTACT_URL) for _ in range(2)]
        cookies = dict(client.cookies)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert {str(request.url) for request in seen} == {CONTACT_URL}
    assert [answer.history for answer in answers] == [[], []]
    assert cookies == {}
    assert len(server.token_requests) == 1


def test_after_a_retry_the_history_has_the_rejection_and_nothing_else(monkeypatch):
    """
    The same, where the client does note something.
    """
    server = TokenServer()
    network = Network(transport=server)
    monkeypatch.setattr(_claim, "own_network", lambda: network)

    with httpx.Client(transport=server, auth=VoucherAuth()) as client:
        client.get(CONTACT_URL)
        server.revoke()
        answer = client.get(CONTACT_URL)

    assert [(past.status_code, str(past.url)) for past in answer.history] == [(401, CONTACT_URL)]
    assert answer.status_code == 200
