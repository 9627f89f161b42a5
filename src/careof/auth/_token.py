"""
The base of every scheme that fetches a token.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any, ClassVar, NoReturn

import httpx

from careof._network.asked import place_of
from careof._network.credentials import HeaderCredential
from careof._network.limits import seconds
from careof._network.waits import async_drive, drive
from careof._values.clock import SYSTEM_CLOCK, Clock
from careof._values.unwrap import unwrap
from careof.auth._access_token import AccessToken
from careof.auth._fetch import Rotation
from careof.auth._hooks import call_hook, check_methods
from careof.auth._identity import Remembered, begin_epoch, key_of, stored_identity
from careof.auth._lease import AsyncLease, Lease, at_hand
from careof.auth._rejected_body import RejectedBody
from careof.auth._sharing import AnyCache
from careof.auth._static import header_credential, put_header
from careof.auth._strategy import AuthStrategy
from careof.auth._token_options import options_problem
from careof.errors import ConfigurationError

_METHODS = "apply_token token_request read_token identity is_rejected".split()
# What is never called, and what is.
_INSTEAD = {
    "apply": "apply_token",
    "auth_flow": "apply_token, or both of sync_auth_flow and async_auth_flow",
}


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

    What is not given stands on the class: a subclass may set any of these as a
    class attribute, and ``header`` and ``prefix`` as well.

    Args:
        lifetime: Seconds after which a token is not used any more, whatever
            its endpoint says; the earlier end counts.
        leeway: Seconds before its end at which the next token is fetched, at
            most a fifth of the lifetime; by default 30.
        rejected_statuses: The answers that mean "this token is no longer good";
            by default 401.
        rejected_body: The same for an endpoint that says so in a body: where
            (JSONPath or JSON Pointer), and the value that stands there then.
        cache: Where tokens are kept beside the memory of this process, such as
            an ``EncryptedTokenCache`` that a fleet shares; a ``MemoryTokenCache``
            takes the place of that memory.
    """

    lifetime: float | None = None
    leeway: float = 30.0
    rejected_statuses: frozenset[int] = frozenset({401})
    rejected_body: tuple[str, str | int | bool] | None = None
    _rejected_body: RejectedBody | None = None
    header: str = "Authorization"
    prefix: str = "Bearer"
    cache: AnyCache | None = None
    clock: Clock = SYSTEM_CLOCK
    # careof's own: of its last request.
    careof_fingerprint: Remembered | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """
        Refuse what cannot work.

        Raises:
            ConfigurationError: A hook is async or no method, or is never called.
        """
        super().__init_subclass__(**options)
        check_methods(cls, _METHODS)
        if TokenAuth.sync_auth_flow is cls.sync_auth_flow or (
            TokenAuth.async_auth_flow is cls.async_auth_flow
        ):
            for name, instead in _INSTEAD.items():
                if getattr(cls, name) is not getattr(TokenAuth, name):
                    raise ConfigurationError(
                        f"{cls.__name__}.{name}: a scheme that fetches a token never calls it; "
                        f"override {instead}."
                    )

    def __init__(
        self,
        *,
        lifetime: float | timedelta | None = None,
        leeway: float | timedelta | None = None,
        rejected_statuses: frozenset[int] | None = None,
        rejected_body: tuple[str, str | int | bool] | None = None,
        cache: AnyCache | None = None,
        clock: Clock | None = None,
    ) -> None:
        # Stored also where it stands on the class: there it may be a timedelta.
        known = self._given("lifetime", lifetime)
        self.lifetime = None if known is None else seconds(known)
        self.leeway = seconds(self._given("leeway", leeway))
        self.rejected_statuses = self._given("rejected_statuses", rejected_statuses)
        self.cache = self._given("cache", cache)
        self.clock = self._given("clock", clock)
        rule = self._given("rejected_body", rejected_body)
        if rule is not None:
            self._rejected_body = RejectedBody(rule, f"{type(self).__name__}: rejected_body")
        unwrap(options_problem(self))
        self.rejected_statuses = frozenset(self.rejected_statuses)

    def _given(self, name: str, value: Any) -> Any:
        return getattr(self, name, getattr(TokenAuth, name)) if value is None else value

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
        return stored_identity(self)

    # By which it is known whether a class has one of its own.
    careof_identity: ClassVar[Any] = identity

    def invalidate(self) -> None:
        """
        Use no token that was asked for before now, in this process.

        Not needed after a rejection, which does that for the token concerned,
        nor when a secret changes, which has tokens of its own.
        """
        begin_epoch(key_of(self))

    def apply_token(self, request: httpx.Request, token: AccessToken) -> None:
        """
        Put *token* into *request*, in place.
        """
        put_header(request, self._credential(token))

    def is_rejected(self, response: httpx.Response) -> bool:
        """
        Whether *response* says that the token is no longer good.
        """
        if response.status_code in self.rejected_statuses:
            return True
        return self._rejected_body is not None and self._rejected_body.is_in(response.content)

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
        lease: Lease | None = None
        token: AccessToken | None = at_hand(self, request, Lease)
        if token is None:
            unwrap(options_problem(self))  # of a class that does not call our __init__
            lease = Lease(self, request)
            token = unwrap(drive(lease.fetched()))
        while True:
            call_hook(self, "apply_token", request, token)
            response = yield request
            if self._rejected_body is not None:
                response.read()
            if not self.is_rejected(response):
                if token.is_on_trial:
                    Lease(self, request).accepted(token, response)
                return
            lease = lease or Lease(self, request)
            other = drive(lease.another(token)) if _is_its(response, request) else None
            if other is None or not _can_be_repeated(request):
                unwrap(lease.rejection(response))
                return
            token = unwrap(other)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """
        Send with a token; after a rejection once more, with another one.
        """
        lease: Lease | None = None
        token: AccessToken | None = at_hand(self, request, AsyncLease)
        if token is None:
            unwrap(options_problem(self))  # of a class that does not call our __init__
            lease = AsyncLease(self, request)
            token = unwrap(await async_drive(lease.fetched()))
        while True:
            call_hook(self, "apply_token", request, token)
            response = yield request
            if self._rejected_body is not None:
                await response.aread()
            if not self.is_rejected(response):
                if token.is_on_trial:
                    AsyncLease(self, request).accepted(token, response)
                return
            lease = lease or AsyncLease(self, request)
            other = await async_drive(lease.another(token)) if _is_its(response, request) else None
            if other is None or not _can_be_repeated(request):
                unwrap(lease.rejection(response))
                return
            token = unwrap(other)

    def _credential(self, token: AccessToken) -> HeaderCredential:
        # The last one is kept with the token that it was made of: most requests
        # of a strategy have the same.
        known = self.careof_fingerprint
        credential: HeaderCredential
        if known is not None:
            last, header, prefix, credential = known.carried
            is_same = last is token and header == self.header and prefix == self.prefix
            if is_same and credential.owner is self:
                return credential
        before = f"{self.prefix} " if self.prefix else ""
        credential = unwrap(header_credential(self, self.header, before + token.value.reveal()))
        if known is not None:
            known.carried = (token, self.header, self.prefix, credential)
        return credential

    def _noted_request(self) -> httpx.Request:
        return self.token_request()

    def _is_spent(self, _request: httpx.Request) -> bool:
        # For a grant whose token request must not be sent twice.
        return False

    def _turn(self, _request: httpx.Request, _seconds: float) -> AbstractContextManager[bool]:
        # For the same: whether nobody else is sending it.
        return contextlib.nullcontext(enter_result=True)

    def _rotation(self, _response: httpx.Response) -> Rotation | None:
        # For a grant whose next token request is not the same.
        return None


def _is_its(response: httpx.Response, request: httpx.Request) -> bool:
    # After a redirect in a foreign client another host may have answered: its
    # 401 says nothing about our token, and our token is not for it.
    return place_of(response.request).origin == place_of(request).origin


def _can_be_repeated(request: httpx.Request) -> bool:
    # A body that was streamed is gone, and would be sent empty.
    return isinstance(request.stream, httpx.ByteStream)
