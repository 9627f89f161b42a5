"""
The base of every scheme that fetches a token.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Generator, Iterator
from datetime import timedelta
from typing import Any, NoReturn

import httpx

from careof._network.asked import place_of
from careof._network.limits import seconds
from careof._network.waits import Landed
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.unwrap import unwrap
from careof.auth._access_token import AccessToken
from careof.auth._cache import TokenCache
from careof.auth._fingerprint import Fingerprint
from careof.auth._lease import Lease
from careof.auth._static import credential_header_problem, set_header
from careof.auth._strategy import AuthStrategy
from careof.errors import ConfigurationError

# They say how a token is used, not which token it is.
_NOT_IDENTITY = frozenset(
    {"cache", "clock", "leeway", "rejected_statuses", "header", "prefix"}
    | {"careof_fingerprint"}
    | {"__weakref__"}
)


class TokenAuth(AuthStrategy, ABC):
    """
    A scheme whose token is fetched, and fetched again before it ends.

    A subclass says how to ask and how to read the answer::

        class VoucherAuth(TokenAuth):
            def token_request(self) -> httpx.Request: ...
            def read_token(self, response: httpx.Response) -> AccessToken: ...

    One request at a time for all threads, tasks and loops, the cache, expiry,
    leeway and the one retry after a rejection belong to this class.  In a
    resolver the token request goes through the resolver's guarded network; in
    a foreign httpx client, through one with the default policy and limits.

    Attributes are part of the token's key: a hook must not change one, or the
    class overrides ``identity``.

    Args:
        lifetime: Seconds after which a token is not used any more, whatever
            its endpoint says; the earlier end counts.
        leeway: Seconds before its end at which the next token is fetched, at
            most a fifth of the lifetime.
        rejected_statuses: The answers that mean "this token is no longer good".
        cache: Where tokens are kept; None for the one of this process.
    """

    lifetime: float | None = None
    leeway: float = 30.0
    rejected_statuses: frozenset[int] = frozenset({401})
    header: str = "Authorization"
    prefix: str = "Bearer"
    cache: TokenCache | None = None
    clock: Clock = SYSTEM_CLOCK
    # Of its last request; careof's own.
    careof_fingerprint: Fingerprint | None = None

    def __init__(
        self,
        *,
        lifetime: float | timedelta | None = None,
        leeway: float | timedelta = 30.0,
        rejected_statuses: frozenset[int] = frozenset({401}),
        cache: TokenCache | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        name = type(self).__name__
        self.lifetime = None if lifetime is None else seconds(lifetime)
        self.leeway = seconds(leeway)
        if not _are_statuses(rejected_statuses):
            raise ConfigurationError(f"{name}: rejected_statuses: expected a set of int.")
        self.rejected_statuses = frozenset(rejected_statuses)
        if not (cache is None or _is_cache(cache)):
            raise ConfigurationError(f"{name}: cache: expected get, set and delete_if, or None.")
        header = type(self).header
        # A subclass may make it a property, of what is not there yet.
        problem = credential_header_problem(header) if isinstance(header, str) else ""
        if problem:
            raise ConfigurationError(f"{name}: header: {problem}.")
        self.cache = cache
        self.clock = clock
        if not (self.lifetime is None or self.lifetime > 0):
            raise ConfigurationError(f"{name}: lifetime: expected seconds above 0, or None.")
        if not self.leeway >= 0:
            raise ConfigurationError(f"{name}: leeway: expected seconds, 0 or more.")

    @abstractmethod
    def token_request(self) -> httpx.Request:
        """
        The request that asks for a token.  Pure: it is sent by the base.

        Called on the caller's thread, or event loop, as ``identity`` is.
        """

    @abstractmethod
    def read_token(self, response: httpx.Response) -> AccessToken:
        """
        The token in a successful answer.

        Called on another thread, with the context variables of the caller.

        Raises:
            AuthenticationError: There is none.  Whatever else is raised ends
                the call as well, and only its class name is kept.
        """

    def identity(self) -> tuple[object, ...]:
        """
        All that shapes the token: strategies with equal identities share one.

        By default everything that is stored on the strategy, in slots as well.
        Secrets go in as ``Secret``; they are hashed under a key of this process.
        What is no value, as an object that can be changed, is refused.
        """
        return tuple([pair for pair in _stored(self) if pair[0] not in _NOT_IDENTITY])

    def apply_token(self, request: httpx.Request, token: AccessToken) -> None:
        """
        Put *token* into *request*, in place.
        """
        value = token.value.reveal()
        set_header(request, self.header, f"{self.prefix} {value}" if self.prefix else value)

    def is_rejected(self, response: httpx.Response) -> bool:
        """
        Whether *response* says that the token is no longer good.
        """
        return response.status_code in self.rejected_statuses

    def auth_flow(self, _request: httpx.Request) -> NoReturn:
        """
        Not for tokens: it could not wait for one, and would send without.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(
            f"{type(self).__name__}: call sync_auth_flow or async_auth_flow instead."
        )

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """
        Send with a token; after a rejection once more, with another one.
        """
        lease = Lease(self, request)
        token = lease.cached()
        if token is None:
            flight = lease.flight()
            Landed(flight, lease.call.deadline).block()
            token = unwrap(lease.landed(flight))
        self.apply_token(request, token)
        response = yield request
        if self._can_repeat(request, response) and lease.discard(token):
            flight = lease.replacement()
            Landed(flight, lease.call.deadline).block()
            self.apply_token(request, unwrap(lease.landed(flight)))
            yield request

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """
        Send with a token; after a rejection once more, with another one.
        """
        lease = Lease(self, request)
        token = lease.cached()
        if token is None:
            flight = lease.flight()
            await Landed(flight, lease.call.deadline).suspend()
            token = unwrap(lease.landed(flight))
        self.apply_token(request, token)
        response = yield request
        if self._can_repeat(request, response) and lease.discard(token):
            flight = lease.replacement()
            await Landed(flight, lease.call.deadline).suspend()
            self.apply_token(request, unwrap(lease.landed(flight)))
            yield request

    def _can_repeat(self, request: httpx.Request, response: httpx.Response) -> bool:
        # After a redirect in a foreign client another host may have answered:
        # its 401 says nothing about our token, and our token is not for it.
        # A body that was streamed is gone, and would be sent empty.
        return (
            self.is_rejected(response)
            and place_of(response.request).origin == place_of(request).origin
            and isinstance(request.stream, httpx.ByteStream)
        )


def _are_statuses(values: object) -> bool:
    return isinstance(values, Collection) and all(isinstance(value, int) for value in values)


def _is_cache(cache: object) -> bool:
    return all(callable(getattr(cache, name, None)) for name in ("get", "set", "delete_if"))


def _stored(strategy: TokenAuth) -> Iterator[tuple[str, object]]:
    yield from sorted(vars(strategy).items())
    for name, member in _slots(type(strategy)):
        with contextlib.suppress(AttributeError):  # not set
            yield name, member.__get__(strategy)


@functools.lru_cache(maxsize=64)
def _slots(kind: type) -> list[tuple[str, Any]]:
    # attrs.define keeps what it defines in slots, where vars() sees nothing.
    return [
        (name, member)
        for base in kind.__mro__
        for name, member in (vars(base).items() if "__slots__" in vars(base) else ())
        if inspect.ismemberdescriptor(member)
    ]
