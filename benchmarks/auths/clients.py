"""
The libraries, each as its documentation has it: one object that all callers share.

Each client is a context that yields a function, which asks about one reference
and raises if it gets no contact.  No token is there before the first call.
"""

from __future__ import annotations

import contextlib
import itertools
import sys
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Any
from unittest import mock

import httpx

from careof import (
    AsyncHttpResolver,
    ContactSelector,
    HttpResolver,
    NetworkPolicy,
    RequestTemplate,
    Secret,
)
from careof.auth import MemoryTokenCache, OAuth2ClientCredentials

Ask = Callable[[str], Awaitable[object]]
AsyncClient = Callable[[str], AbstractAsyncContextManager[Ask]]
Client = Callable[[str], AbstractContextManager[Callable[[str], object]]]

SECRET = "made-up"  # noqa: S105
HTTPX: dict[str, Any] = {
    # Everybody gets a connection at once.  More idle ones than these, its own
    # default, make httpx ten times as slow here: it looks at each of them each time.
    "limits": httpx.Limits(max_connections=None, max_keepalive_connections=20),
    "timeout": 60.0,  # seconds; nobody gives up
    "trust_env": False,
}
# The cache of httpx_auth is one for the process: a name used before has a token.
_numbers = itertools.count()


def new_client_id() -> str:
    """
    One that nobody has used.
    """
    return f"surveys-{next(_numbers)}"


def configured(url: str) -> dict[str, Any]:
    """
    The arguments of a resolver as a host would write it.
    """
    return {
        "request": RequestTemplate(f"{url}/people/{{reference_id}}"),
        "contact": ContactSelector(email="$.data.email", reference_id="$.data.id"),
        "auth": OAuth2ClientCredentials(
            f"{url}/token", new_client_id(), Secret(SECRET), cache=MemoryTokenCache()
        ),
        "network": NetworkPolicy.for_loopback(),
    }


@contextlib.asynccontextmanager
async def careof_async(url: str) -> AsyncIterator[Ask]:
    """
    One ``AsyncHttpResolver``.
    """
    async with AsyncHttpResolver(**configured(url)) as resolver:
        yield resolver.resolve


@contextlib.contextmanager
def careof_sync(url: str) -> Iterator[Callable[[str], object]]:
    """
    One ``HttpResolver``.
    """
    with HttpResolver(**configured(url)) as resolver:
        yield resolver.resolve


def authlib() -> Any:
    """
    The part of Authlib that is for httpx.
    """
    # It would rather have the successor of the httpx that all here use, and takes it
    # where it is installed.
    with warnings.catch_warnings(record=True), mock.patch.dict(sys.modules, {"httpx2": None}):
        from authlib.integrations import httpx_client
    return httpx_client


def authlib_options(url: str) -> dict[str, Any]:
    """
    With these its clients fetch each token but the first by themselves.
    """
    return {
        "client_id": new_client_id(),
        "client_secret": SECRET,
        "token_endpoint": f"{url}/token",
        "grant_type": "client_credentials",
    }


@contextlib.asynccontextmanager
async def authlib_async(url: str) -> AsyncIterator[Ask]:
    """
    One ``AsyncOAuth2Client``; whoever finds no token fetches the first.
    """
    async with authlib().AsyncOAuth2Client(**authlib_options(url), **HTTPX) as client:

        async def ask(reference: str) -> None:
            if not client.token:
                await client.fetch_token()
            (await client.get(f"{url}/people/{reference}")).raise_for_status()

        yield ask


@contextlib.contextmanager
def authlib_sync(url: str) -> Iterator[Callable[[str], object]]:
    """
    One ``OAuth2Client``; whoever finds no token fetches the first.
    """
    with authlib().OAuth2Client(**authlib_options(url), **HTTPX) as client:

        def ask(reference: str) -> None:
            if not client.token:
                client.fetch_token()
            client.get(f"{url}/people/{reference}").raise_for_status()

        yield ask


@contextlib.contextmanager
def httpx_auth_strategy(url: str) -> Iterator[httpx.Auth]:
    """
    Its ``OAuth2ClientCredentials``, with a client that it need not build for each token.
    """
    import httpx_auth

    with httpx.Client(**HTTPX) as client:
        yield httpx_auth.OAuth2ClientCredentials(
            f"{url}/token", new_client_id(), SECRET, client=client
        )


@contextlib.asynccontextmanager
async def httpx_auth_async(url: str) -> AsyncIterator[Ask]:
    """
    One ``httpx.AsyncClient`` with the strategy of httpx_auth.
    """
    with httpx_auth_strategy(url) as auth:
        async with httpx.AsyncClient(auth=auth, **HTTPX) as client:

            async def ask(reference: str) -> None:
                (await client.get(f"{url}/people/{reference}")).raise_for_status()

            yield ask


@contextlib.contextmanager
def httpx_auth_sync(url: str) -> Iterator[Callable[[str], object]]:
    """
    One ``httpx.Client`` with the strategy of httpx_auth.
    """
    with httpx_auth_strategy(url) as auth, httpx.Client(auth=auth, **HTTPX) as client:

        def ask(reference: str) -> None:
            client.get(f"{url}/people/{reference}").raise_for_status()

        yield ask
