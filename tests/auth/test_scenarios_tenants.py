"""
What goes wrong with tokens, E: tenants and keys.

Each test tells of something that happened to somebody; ``test_token_scenarios``
has the table.
"""

from __future__ import annotations

import copy

import httpx
import pytest

from careof import Secret
from careof._network.network import Network
from careof.auth import (
    AccessToken,
    MemoryTokenCache,
    OAuth2ClientCredentials,
    TokenEndpointAuth,
    _claim,
    _history,
    _identity,
)
from careof.auth._history import begun_history_of
from careof.auth._identity import begin_epoch
from careof.auth._lease import Lease
from careof.errors import AuthenticationError
from tests.support.crowds import looked_up
from tests.support.tokens import (
    CONTACT_URL,
    EMAIL,
    TOKEN_URL,
    TokenServer,
    VoucherAuth,
    WatchedCache,
    request_in,
)

OTHER_URL = "https://other.customer.example/token"


def client(client_id="client", secret="secret", url=TOKEN_URL, **options):
    return OAuth2ClientCredentials(url, client_id, secret, **options)


@pytest.mark.parametrize(
    "changed",
    [
        {"client_id": "other"},
        {"secret": "other"},
        {"url": OTHER_URL},
        {"scope": "other"},
        {"audience": "other"},
        {"resource": "other"},
        {"params": {"tenant": "other"}},
        {"client_auth": "client_secret_post"},
        {"token_path": "$.id_token"},
        {"lifetime": 60},
    ],
    ids=str,
)
def test_whatever_is_another_in_the_request_is_another_token(shell, changed):
    """
    httpx_auth#97, oathkeeper#870 (without the URL), redocly-cli#2824 (without
    the secret), golang/oauth2#654, drt#1156 (one customer wrote with the token of
    another).
    """

    def endpoint(request):
        if request.url.path != "/token":
            return httpx.Response(200, json={"email": EMAIL})
        requests.append(request)
        token = f"token-{len(requests)}"
        return httpx.Response(200, json={"access_token": token, "id_token": token})

    requests = []
    server = httpx.MockTransport(endpoint)

    outcomes = [looked_up(shell, auth, server) for auth in (client(), client(**changed))]

    assert outcomes == [EMAIL, EMAIL]
    assert len(requests) == 2


@pytest.mark.parametrize("part", ["headers", "form", "json"])
def test_whatever_is_another_in_headers_and_body_is_another_token(shell, part):
    """
    httpx_auth#97, for endpoints that follow no standard.
    """
    server = TokenServer()

    for value in ("1", Secret("1"), "2", Secret("2"), "1"):
        auth = TokenEndpointAuth(TOKEN_URL, **{part: {"X-Tenant": value}})
        looked_up(shell, auth, server)

    tokens = [token.removeprefix("Bearer token-") for token in server.lookups]
    assert tokens == ["1", "2", "3", "4", "1"]


def test_a_wrong_secret_is_not_served_with_the_token_of_the_right_one(shell):
    """
    diode#570.
    """
    server = TokenServer()
    looked_up(shell, client(), server)
    server.answer = httpx.Response(401, json={"error": "invalid_client"})

    error = looked_up(shell, client(secret="wrong"), server)

    assert (type(error), error.error) == (AuthenticationError, "invalid_client")
    assert len(server.lookups) == 1


def test_a_rotated_secret_is_used_with_the_next_call(shell):
    """
    And the token of the old one is sent no more.
    """
    secret = ["old"]
    server = TokenServer()
    auth = client(secret=Secret.from_callable(lambda: secret[0]))

    for current in ("old", "old", "new", "new"):
        secret[0] = current
        looked_up(shell, auth, server)

    tokens = [token.removeprefix("Bearer token-") for token in server.lookups]
    assert tokens == ["1", "1", "2", "2"]


def test_ten_thousand_tenants_take_bounded_memory():
    """
    spring#13816.
    """
    server = TokenServer()
    cache = MemoryTokenCache()

    for tenant in range(10_000):
        lease = Lease(client(str(tenant), cache=cache), request_in(server))
        cache.set(lease._key, AccessToken("t"))
        begun_history_of(lease._place)

    assert len(cache) == 4096
    assert len(_history._histories) == 4096
    assert lease._place not in _claim._FLIGHTS._threads


def test_what_is_remembered_of_invalidated_tokens_is_bounded_as_well():
    """
    spring#13816.
    """
    for tenant in range(70_000):
        begin_epoch(f"tenant {tenant}")

    assert len(_identity._epochs) == 65_536


def test_the_client_of_the_host_is_left_as_it_was(monkeypatch):
    """
    Seen with httpx-auth, which sets its own headers on a client that is shared.
    """
    server = TokenServer()
    network = Network(transport=server)
    monkeypatch.setattr(_claim, "own_network", lambda: network)

    with httpx.Client(
        transport=server, headers={"X-Mine": "1"}, cookies={"mine": "1"}, timeout=3.0
    ) as shared:

        def state():
            return copy.deepcopy(
                (dict(shared.headers), dict(shared.cookies), shared.timeout, shared.event_hooks)
            )

        before = state()
        answer = shared.get(CONTACT_URL, auth=VoucherAuth())
        plain = shared.get(CONTACT_URL)

    assert state() == before
    assert (answer.status_code, plain.status_code) == (200, 401)
    assert "authorization" not in plain.request.headers
    assert "x-mine" not in server.token_requests[0].headers


def test_users_of_one_strategy_object_share_nothing_that_one_of_them_set():
    """
    simple-oauth2#88: the token of another user, through what an object kept.
    """
    server = TokenServer()
    auth = VoucherAuth(cache=WatchedCache())
    before = {name: value for name, value in vars(auth).items() if name != "cache"}
    requests = [request_in(server) for _ in range(2)]

    for request in requests:
        next(auth.sync_auth_flow(request))

    after = {name: value for name, value in vars(auth).items() if not name.startswith("careof_")}
    assert {**before, "cache": auth.cache} == after
    assert requests[0].headers is not requests[1].headers
