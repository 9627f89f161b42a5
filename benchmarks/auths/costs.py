"""
What a token that is at hand costs a request: CPU beside that of the same
request whose header is fixed.

Nothing is sent, so little else is in the figures.  All are measured in rounds,
one after the other in each, and each round begins with another one: the first
is the slowest.  The figures are medians over the rounds.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import statistics
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import attrs
import httpx
from auths.clients import SECRET, authlib, authlib_options, new_client_id
from lookups.machine import cpu_seconds
from lookups.server import body
from lookups.table import print_lines

import careof
from careof import ContactSelector, RequestTemplate, Secret
from careof._network.network import Network
from careof.auth import AccessToken, AuthStrategy, NoAuth, OAuth2ClientCredentials, _claim

HOST = "https://customer.example"
REFERENCE = "C-1000"
URL = f"{HOST}/people/{REFERENCE}"
TOKEN = "made-up-" * 8
LIFETIME = 3600  # seconds, more than any leeway
CONTACT = body(REFERENCE)
ANSWER = {"access_token": TOKEN, "token_type": "Bearer", "expires_in": LIFETIME}

Samples = dict[str, list[float]]
T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Pace:
    """
    How thoroughly to measure: how many rounds of how many requests each.
    """

    rounds: int
    requests: int


class AtHand(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """
    A transport whose answers are at hand.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """
        A token for a POST, a contact for a GET.
        """
        if request.method == "POST":
            return httpx.Response(200, json=ANSWER)
        return httpx.Response(200, content=CONTACT)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """
        The same.
        """
        return self.handle_request(request)


class Shared:
    """
    A cache that a fleet shares, as a dictionary of this process.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, AccessToken] = {}

    def get(self, key: str) -> AccessToken | None:
        """
        The token under *key*.
        """
        return self._tokens.get(key)

    def set(self, key: str, token: AccessToken) -> None:
        """
        Keep *token* under *key*.
        """
        self._tokens[key] = token

    def delete_if(self, key: str, token: AccessToken) -> None:
        """
        Nobody does.
        """


def _client(prefix: str, **options: Any) -> Any:
    return getattr(httpx, f"{prefix}Client")(transport=AtHand(), trust_env=False, **options)


def _careof(cache: Shared | None = None) -> OAuth2ClientCredentials:
    return OAuth2ClientCredentials(f"{HOST}/token", new_client_id(), Secret(SECRET), cache=cache)


def _authlib(prefix: str) -> Any:
    return getattr(authlib(), f"{prefix}OAuth2Client")(
        **authlib_options(HOST), token=dict(ANSWER), transport=AtHand(), trust_env=False
    )


def _httpx_auth() -> Any:
    import httpx_auth

    return httpx_auth.OAuth2ClientCredentials(
        f"{HOST}/token", new_client_id(), SECRET, client=_client("")
    )


def _resolver(prefix: str, auth: AuthStrategy) -> Any:
    return getattr(careof, f"{prefix}HttpResolver")(
        RequestTemplate(f"{HOST}/people/{{reference_id}}"),
        ContactSelector(email="$.data.email", reference_id="$.data.id"),
        auth=auth,
        transport=AtHand(),
    )


# Each built from what the names of its async classes begin with.
CLIENTS: dict[str, Callable[[str], Any]] = {
    "a bare header": lambda prefix: _client(prefix, headers={"Authorization": f"Bearer {TOKEN}"}),
    "careof": lambda prefix: _client(prefix, auth=_careof()),
    "careof, behind a shared cache": lambda prefix: _client(prefix, auth=_careof(Shared())),
    "Authlib": _authlib,
    "httpx_auth": lambda prefix: _client(prefix, auth=_httpx_auth()),
}
RESOLVERS: dict[str, Callable[[str], Any]] = {
    "NoAuth": lambda prefix: _resolver(prefix, NoAuth()),
    "OAuth2ClientCredentials": lambda prefix: _resolver(prefix, _careof()),
}


def in_thread(asks: dict[str, Callable[[], object]], pace: Pace) -> Samples:
    """
    Microseconds of each, in each round.
    """
    samples: Samples = {label: [] for label in asks}
    for order in _orders(asks, pace):
        for label, ask in order:
            begun = cpu_seconds()
            for _ in range(pace.requests):
                ask()
            samples[label].append((cpu_seconds() - begun) / pace.requests * 1e6)
    return _warm(samples)


async def in_loop(asks: dict[str, Callable[[], Awaitable[object]]], pace: Pace) -> Samples:
    """
    As ``in_thread``, in an event loop.
    """
    samples: Samples = {label: [] for label in asks}
    for order in _orders(asks, pace):
        for label, ask in order:
            begun = cpu_seconds()
            for _ in range(pace.requests):
                await ask()
            samples[label].append((cpu_seconds() - begun) / pace.requests * 1e6)
    return _warm(samples)


def show(missing: list[str], pace: Pace) -> None:
    """
    Measure, and print.
    """
    clients = {label: build for label, build in CLIENTS.items() if label not in missing}
    with answers_at_hand():
        _print("in an httpx client", *_measured(clients, "get", URL, pace))
    _print("in a resolver of careof", *_measured(RESOLVERS, "resolve", REFERENCE, pace))


@contextmanager
def answers_at_hand() -> Iterator[None]:
    """
    Let the token requests of strategies in a foreign client have them as well.

    They go to public addresses only, and so to none on this machine.
    """
    before = _claim.own_network
    network = Network(transport=AtHand())
    _claim.own_network = lambda: network  # type: ignore[assignment]
    try:
        yield
    finally:
        _claim.own_network = before


def _measured(
    builds: dict[str, Callable[[str], Any]], method: str, argument: str, pace: Pace
) -> tuple[Samples, Samples]:
    def asks(prefix: str) -> dict[str, Callable[[], Any]]:
        return {
            label: functools.partial(getattr(build(prefix), method), argument)
            for label, build in builds.items()
        }

    return in_thread(asks(""), pace), asyncio.run(in_loop(asks("Async"), pace))


def _orders(
    asks: dict[str, Callable[[], T]], pace: Pace
) -> Iterator[list[tuple[str, Callable[[], T]]]]:
    pairs = list(asks.items())
    for turn in range(pace.rounds + 1):
        gc.collect()
        first = turn % len(pairs)
        yield pairs[first:] + pairs[:first]


def _warm(samples: Samples) -> Samples:
    # In the first round tokens are fetched, and much is done for the first time.
    return {label: rounds[1:] for label, rounds in samples.items()}


def _print(title: str, blocking: Samples, in_tasks: Samples) -> None:
    base = next(iter(blocking))
    heads = ["µs of CPU", f"over {base}", "times"]
    lines = [[title, *heads, *(f"{head}, async" for head in heads)]]
    for label in blocking:
        cells = [
            cell for rounds in (blocking, in_tasks) for cell in _cells(rounds[label], rounds[base])
        ]
        lines.append([label, *cells])
    print_lines(lines)


def _cells(rounds: list[float], base: list[float]) -> list[str]:
    # Those of one round stand side by side; of two medians they need not.
    pairs = list(zip(rounds, base, strict=True))
    return [
        f"{statistics.median(rounds):.1f}",
        f"{statistics.median(ours - bare for ours, bare in pairs):+.1f}",
        f"{statistics.median(ours / bare for ours, bare in pairs):.2f}",
    ]
