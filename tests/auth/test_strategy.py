from __future__ import annotations

import asyncio
import pickle

import httpx
import pytest

from careof.auth import (
    ApiKeyAuth,
    AuthStrategy,
    BasicAuth,
    BearerAuth,
    NoAuth,
    OAuth2ClientCredentials,
    TokenEndpointAuth,
)
from careof.errors import ConfigurationError
from tests.support.tokens import CONTACT_URL, TOKEN_URL, VoucherAuth, resolver

SECRET = "hidden-0001"
STRATEGIES = [
    NoAuth(),
    BasicAuth("user", SECRET),
    BearerAuth(SECRET),
    ApiKeyAuth("X-Key", SECRET),
    ApiKeyAuth("key", SECRET, location="query"),
    VoucherAuth(),
    TokenEndpointAuth(TOKEN_URL, form={"password": SECRET}),
    OAuth2ClientCredentials(TOKEN_URL, "client", SECRET),
]


def kind_of(strategy):
    return type(strategy).__name__


class SignedAuth(AuthStrategy):
    def apply(self, request):
        request.headers["X-Signature"] = f"{request.method} {request.url.path}"


def endpoint(seen):
    def answer(request):
        seen.append(request)
        return httpx.Response(200, json={"email": "ada@customer.example"})

    return httpx.MockTransport(answer)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=kind_of)
def test_a_strategy_is_an_httpx_auth(strategy):
    assert isinstance(strategy, httpx.Auth)


@pytest.mark.parametrize("strategy", STRATEGIES, ids=kind_of)
def test_its_repr_says_scheme_and_place_and_nothing_secret(strategy):
    shown = {
        "BasicAuth": ["BasicAuth(***)"],
        "BearerAuth": ["BearerAuth(***)"],
        "ApiKeyAuth": [
            "ApiKeyAuth(***, location='header')",
            "ApiKeyAuth(***, location='query')",
        ],
        "TokenEndpointAuth": ["TokenEndpointAuth('id.customer.example')"],
        "OAuth2ClientCredentials": [
            "OAuth2ClientCredentials('id.customer.example', client_auth='client_secret_basic')"
        ],
    }

    assert repr(strategy) in shown.get(kind_of(strategy), [f"{kind_of(strategy)}()"])


@pytest.mark.parametrize("strategy", STRATEGIES, ids=kind_of)
def test_it_refuses_to_be_pickled(strategy):
    with pytest.raises(TypeError, match=f"^{kind_of(strategy)} refuses to be pickled") as caught:
        pickle.dumps(strategy)

    assert SECRET not in str(caught.value)


def test_a_host_writes_only_apply(shell):
    seen = []

    shell.call(resolver(shell.HttpResolver, SignedAuth(), endpoint(seen)).resolve, "C-1")

    assert seen[0].headers["X-Signature"] == "GET /people/C-1"


def test_a_strategy_of_httpx_works_in_a_resolver(shell):
    seen = []
    auth = httpx.BasicAuth("Aladdin", "open sesame")

    shell.call(resolver(shell.HttpResolver, auth, endpoint(seen)).resolve, "C-1")

    assert seen[0].headers["Authorization"] == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="


def test_no_auth_adds_nothing():
    request = httpx.Request("GET", CONTACT_URL)
    before = request.headers.raw

    assert [*NoAuth().sync_auth_flow(request)] == [request]
    assert request.headers.raw == before
    assert request.url == CONTACT_URL


def test_a_strategy_works_in_a_client_of_the_host():
    seen = []

    with httpx.Client(transport=endpoint(seen), auth=SignedAuth()) as client:
        client.post(CONTACT_URL)

    assert seen[0].headers["X-Signature"] == "POST /people/C-1"


def test_a_strategy_works_in_an_async_client_of_the_host():
    seen = []

    async def main():
        async with httpx.AsyncClient(transport=endpoint(seen), auth=SignedAuth()) as client:
            await client.post(CONTACT_URL)

    asyncio.run(main())

    assert seen[0].headers["X-Signature"] == "POST /people/C-1"


@pytest.mark.parametrize("hook", ["apply", "apply_token", "token_request", "is_rejected"])
def test_a_hook_that_nobody_would_await_is_refused_where_it_is_written(hook):
    """
    The request would go out without credentials.
    """

    async def wrong(*arguments):
        raise AssertionError

    with pytest.raises(ConfigurationError, match=rf"Wrong\.{hook}: expected a plain function"):
        type("Wrong", (AuthStrategy,), {hook: wrong})
