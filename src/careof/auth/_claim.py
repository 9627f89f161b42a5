"""
For which token a request comes, and the flight that brings it.

Theory of operation: the key of the token and the request for it must be made of
the same secrets, or a token is found under the key of another one.  A secret may
depend on the caller's thread or context, and may be another one a moment later:
so both are made here, on the thread of the caller, and each secret is read once
for the two.  The flight begins with what was made, under that key, and only if
there is none.
"""

from __future__ import annotations

import functools
from concurrent.futures import Future
from typing import Any

import httpx

from careof._network.call import Call, call_of
from careof._network.flights import Flights
from careof._network.identity_numbers import number_of
from careof._network.loops import RunningLoop
from careof._network.network import Network
from careof._values.secret import read_once
from careof.auth._access_token import AccessToken
from careof.auth._cache import PROCESS_CACHE, MemoryTokenCache
from careof.auth._fetch import Fetch, Strategy, request_of, waits_for_itself
from careof.auth._history import history_of
from careof.auth._identity import (
    begin_epoch,
    epoch_of,
    key_at,
    key_of_identity,
    remembered,
    shared_key_of,
)
from careof.auth._sharing import (
    AnyCache,
    Shared,
    fleet_secret,
    is_async,
    number_of_cache,
    private_mark,
)
from careof.errors import AuthenticationError, CareofError, ConfigurationError

_FLIGHTS = Flights("tokens", limit=1024, patience=60.0)
ROUNDS = 4  # in which a strategy that changes meanwhile is looked at
GRACE = 1.0  # seconds that a flight may be late before another one takes its place


class Claim:
    """
    What one request wants: the key of its token, and where that is kept.
    """

    __slots__ = ("_call", "_key", "_memory", "_network", "_strategy", "_where")

    def __init__(self, strategy: Strategy, request: httpx.Request) -> None:
        self._strategy = strategy
        self._call: Call | None = call_of(request)
        self._network: Any = network_of(self._call)
        self._where: str = self._network.place
        cache = strategy.cache
        if cache is None:  # an empty one that has a length is false
            self._memory = PROCESS_CACHE
        elif isinstance(cache, MemoryTokenCache):
            self._memory = cache
        else:
            self._check(cache)
            self._memory = PROCESS_CACHE
            # Equal configurations with two caches behind it are kept apart there.
            self._where += f" {number_of_cache(cache)}"
        self._key = remembered(strategy).key_at(self._where)

    @property
    def _place(self) -> str:
        return self._place_of(self._key)

    def _place_of(self, key: str) -> str:
        # Equal configurations have their tokens apart in two memories.
        return f"{number_of(self._memory)} {key}"

    def _key_now(self) -> str:
        return remembered(self._strategy).key_at(self._where)

    def _under_way(self) -> Future[Any] | None:
        return _FLIGHTS.under_way(self._place)

    def _refused(self) -> CareofError | None:
        history = history_of(self._place)
        if history is None or (self._call is not None and self._call.is_test):
            return None
        return history.refusal(self._strategy.clock)

    def _joined(self, rejected: AccessToken | None = None) -> Future[Any] | CareofError:
        """
        The flight under way, begun now if there is none, or why there can be none.
        """
        network: Network = self._network.blocking()
        for _ in range(ROUNDS):
            # The request must be that of its key: what another secret brings is
            # not to be found under this one.
            with read_once():
                before = remembered(self._strategy)
                self._key = before.key_at(self._where)
                known = waits_for_itself(self._key) or self._under_way() or self._refused()
                if known is not None:
                    return known
                request = request_of(self._strategy, self._key)
                shared = self._shared(network)
                is_still = remembered(self._strategy).is_unchanged_since(before)
            if is_still:  # the flight reads secrets anew
                return self._begun(request, rejected, network, shared)
        return unsteady()

    def _begun(
        self,
        request: httpx.Request | CareofError,
        rejected: AccessToken | None,
        network: Network,
        shared: Shared | None,
    ) -> Future[Any]:
        fetch = Fetch(
            strategy=self._strategy,
            network=network,
            request=request,
            memory=self._memory,
            key=self._key,
            place=self._place,
            shared=shared,
            rejected=rejected,
            rotates=functools.partial(self._rotated, *self._now()),
        )
        return _FLIGHTS.join(self._place, fetch, patience=self._patience())

    def _patience(self) -> float:
        cache = self._strategy.cache
        # As long again for the cache that is shared.
        rounds = 1.0 if cache is None or cache is self._memory else 2.0
        return rounds * float(self._network.limits.attempt) + GRACE

    def _shared(self, network: Network) -> Shared | None:
        cache = self._strategy.cache
        if cache is None or cache is self._memory:
            return None
        try:
            secret = fleet_secret(cache) if network.is_anywhere else None
        except ConfigurationError:
            return None  # as a cache that is gone: a token request helps
        if secret is not None:
            key = shared_key_of(self._strategy, network.place, secret)
        else:
            key = f"{self._key} {private_mark()}"
        return Shared(cache, key, loop=self._loop(cache), seconds=network.limits.attempt)

    @staticmethod
    def _check(cache: AnyCache) -> None:
        # At once, not only when the memory has no token: it would work at times.
        if is_async(cache):
            raise ConfigurationError(
                "cache: an AsyncTokenCache is for async code; here a TokenCache is needed."
            )

    @staticmethod
    def _loop(_cache: AnyCache) -> RunningLoop | None:
        return None

    def _now(self) -> tuple[str, str, str]:
        base = remembered(self._strategy).key
        return base, epoch_of(base), self._place

    def _rotated(
        self, base: str, since: str, place: str, identity: tuple[object, ...]
    ) -> tuple[str, str] | None:
        if remembered(self._strategy).key != base:
            return None
        # Whoever comes with the new identity waits for this flight as well: two
        # requests with one refresh token would end all of its family.
        successor = key_of_identity(self._strategy, identity)
        key = key_at(successor, self._where)
        if epoch_of(base) != since:  # it was invalidated meanwhile: nobody is to find this one
            begin_epoch(successor)
            return key, self._place_of(key)
        new_place = self._place_of(key)
        _FLIGHTS.share(place, new_place)
        return key, new_place


def unsteady() -> AuthenticationError:
    """
    The error for a strategy that never stands still: what it asks for is for nobody.
    """
    return AuthenticationError(
        "The strategy is another one each time that it is looked at: none of its methods may "
        "change an attribute, and none of its secrets depend on the thread that reads it.",
        detail="strategy",
        step="token",
    )


def network_of(call: Call | None) -> Any:
    """
    Through what the token for *call* is fetched; None is a foreign client.
    """
    return own_network() if call is None else call.network


@functools.cache
def own_network() -> Network:
    """
    What tokens are fetched through for a foreign client.
    """
    return Network()
