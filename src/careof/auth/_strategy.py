"""
The base of every authentication strategy, and several of them in one.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncGenerator, Generator
from typing import Any, NoReturn, Self

import httpx

from careof._network.asked import Origin
from careof._network.call import call_of
from careof._network.credentials import QUERY
from careof._values.sealed import Unpicklable
from careof._values.unwrap import unwrap
from careof.auth._hooks import call_hook, check_hooks, check_methods
from careof.auth._nested import Parts, async_nested, nested
from careof.auth._origins import bound_twin, check_origins, misplaced
from careof.auth._twins import deep_twin_of, twin_of
from careof.errors import ConfigurationError, DestinationRefusedError

_HOOKS = "apply apply_token token_request read_token identity is_rejected".split()


class AuthStrategy(Unpicklable, httpx.Auth):
    """
    How a request says who asks: subclass it and override ``apply``.

    A strategy *is* an ``httpx.Auth``: it works in any httpx client, and any
    ``httpx.Auth`` works in a resolver.  The promises about logs and deadlines
    hold in a resolver; in a client of your own they are that client's.  There
    it gives its credentials to one origin only, the first that it is used for,
    or to those of ``bound_to``.

    ``a + b`` is a strategy that adds the credentials of both.
    """

    _instead = "Build it where it is needed, with secrets that are read there."
    # Of foreign clients; careof's own.
    careof_origins: frozenset[Origin] | None = None
    # The part of a request that it sets, where that is known before.
    _part: tuple[str, str] | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        """
        Refuse hooks that nobody would await: the request would go out without credentials.

        Raises:
            ConfigurationError: One of them is async, or ``apply`` is no method.
        """
        super().__init_subclass__(**options)
        check_hooks(cls, _HOOKS)
        check_methods(cls, ["apply"])

    def apply(self, request: httpx.Request) -> None:
        """
        Add the credentials to *request*, in place.
        """

    def invalidate(self) -> None:
        """
        Use no token that was asked for before now; nothing where there are none.
        """

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """
        Apply, and send once.

        Raises:
            DestinationRefusedError: A foreign client goes to an origin that it
                is not bound to.
            ConfigurationError: ``apply`` returns something.
        """
        _check((self,), request)
        call_hook(self, "apply", request)
        yield request

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """
        The flow for a blocking client; raises what ``auth_flow`` raises.
        """
        _check((self,), request)  # for a subclass with a flow of its own
        return super().sync_auth_flow(request)

    def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """
        The flow for an async client; raises what ``auth_flow`` raises.
        """
        _check((self,), request)  # as above
        return super().async_auth_flow(request)

    def bound_to(self, *origins: str) -> Self:
        """
        A twin that gives its credentials to these *origins* only.

        It shares everything else, its tokens as well.  A foreign client is
        refused when it goes elsewhere, and a resolver of another endpoint
        when it is built.  Where a token is asked for does not count.

        Args:
            origins: Such as ``"https://crm.customer.example"``.

        Raises:
            ConfigurationError: One of them is no origin.
        """
        return bound_twin(self, origins)

    def __copy__(self) -> Self:
        # Not the thing itself: whoever changes the copy means the copy.
        return twin_of(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return deep_twin_of(self, memo)

    def __add__(self, other: httpx.Auth) -> AuthStrategy:
        return _Combined(self, other) if isinstance(other, httpx.Auth) else NotImplemented

    def __radd__(self, other: httpx.Auth) -> AuthStrategy:
        return _Combined(other, self) if isinstance(other, httpx.Auth) else NotImplemented

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class NoAuth(AuthStrategy):
    """
    The endpoint asks for no credentials.
    """


class _Combined(AuthStrategy):
    """
    Several strategies in one, from the outer to the inner.

    Attributes:
        careof_parts: Each of them.
    """

    def __init__(self, *strategies: httpx.Auth) -> None:
        self.careof_parts: Parts = tuple(part for each in strategies for part in _parts(each))
        seen: dict[tuple[str, str], httpx.Auth] = {}
        for part in self.careof_parts:
            place = _part_of(part)
            if place is not None and place in seen:
                raise ConfigurationError(
                    f"{_named(seen[place])} + {_named(part)}: both set the {place[0]} "
                    f"{place[1]!r}. Leave one of them out, or put one elsewhere (ApiKeyAuth: "
                    "name; where a token is fetched: header=)."
                )
            if place is not None:
                seen[place] = part
        digest = next((it for it in self.careof_parts if isinstance(it, httpx.DigestAuth)), None)
        keys = [part for place, part in seen.items() if place[0] == QUERY]
        if digest is not None and keys:
            raise ConfigurationError(
                f"{_named(digest)} + {_named(keys[0])}: a digest is made of the whole URL, and "
                "sees no key in its query. Put the key into a header, if its endpoint can read it "
                "there."
            )

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """
        The flow of each part inside that of the one before.
        """
        _check(self.careof_parts, request)
        return nested(self.careof_parts, request)

    def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """
        The flow of each part inside that of the one before.
        """
        _check(self.careof_parts, request)
        return async_nested(self.careof_parts, request)

    def auth_flow(self, _request: httpx.Request) -> NoReturn:
        """
        Not for several: a part may have to wait.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(f"{self!r}: call sync_auth_flow or async_auth_flow instead.")

    def apply(self, _request: httpx.Request) -> NoReturn:
        """
        As ``auth_flow``.
        """
        self.auth_flow(_request)

    def invalidate(self) -> None:
        """
        That of each part that is a strategy of ours.
        """
        problem: ConfigurationError | None = None
        for part in self.careof_parts:
            try:
                if isinstance(part, AuthStrategy):
                    part.invalidate()
            except ConfigurationError as error:  # a secret that cannot be read
                problem = error
        unwrap(problem)

    def bound_to(self, *origins: str) -> Self:
        """
        Each part that is a strategy of ours, bound to *origins*.
        """
        bound = (
            part.bound_to(*origins) if isinstance(part, AuthStrategy) else part
            for part in self.careof_parts
        )
        return type(self)(*bound)

    def __copy__(self) -> Self:
        # Others than ours may hold what cannot be copied.
        parts = (
            copy.copy(part) if isinstance(part, AuthStrategy) else part
            for part in self.careof_parts
        )
        return type(self)(*parts)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)(*copy.deepcopy(self.careof_parts, memo))

    def __repr__(self) -> str:
        return " + ".join(map(_named, self.careof_parts))


def bound_elsewhere(auth: httpx.Auth, origin: Origin) -> DestinationRefusedError | None:
    """
    The error for *auth* in a resolver of *origin*, if a part of it is bound to others.
    """
    return misplaced(_givers(_parts(auth)), origin)


def _parts(auth: httpx.Auth) -> Parts:
    return auth.careof_parts if isinstance(auth, _Combined) else (auth,)


def _check(parts: Parts, request: httpx.Request) -> None:
    if call_of(request) is None:
        check_origins(_givers(parts), request)


def _givers(parts: Parts) -> list[AuthStrategy]:
    # NoAuth has nothing to give away: one may be in use for many endpoints.
    strategies = [part for part in parts if isinstance(part, AuthStrategy)]
    return [each for each in strategies if type(each) is not NoAuth]


def _part_of(auth: httpx.Auth) -> tuple[str, str] | None:
    # Of a class whose subclass may put it elsewhere, nothing is known.
    if type(auth) in (httpx.BasicAuth, httpx.DigestAuth):
        return "header", "authorization"
    if not (isinstance(auth, AuthStrategy) and type(auth).__module__.startswith("careof.")):
        return None
    header = getattr(auth, "header", None)  # of one that fetches a token
    return auth._part if header is None else ("header", header.lower())


def _named(auth: httpx.Auth) -> str:
    # Its own repr could show anything.
    return f"{type(auth).__name__}()"
