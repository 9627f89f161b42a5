"""
One request's way to a token: from the cache, or from a flight that many share.

Theory of operation: the token request is not part of the auth flow.  It flies
in a thread of its own, through the resolver's guarded network, once per key
for all threads, tasks and event loops.  Nobody who waits for it can take it
down, no loop can be frozen by it, and code on a loop's own thread may wait.
Only its request is made before the flight, where the key is made: a secret may
depend on the caller's thread or context, and both must read the same one.
Near its end a token goes on being used while the first to notice sends a
flight for the next one and waits no more than the others.
"""

from __future__ import annotations

import functools
from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, Protocol

import httpx

from careof._network.call import Call, call_of
from careof._network.failures import strategy_failure
from careof._network.flights import Flights, result_of
from careof._network.identity_numbers import number_of
from careof._network.network import Network
from careof._values.clock import Clock
from careof.auth._access_token import AccessToken, HeldToken, begin, held
from careof.auth._cache import PROCESS_CACHE, TokenCache
from careof.auth._fingerprint import Fingerprint
from careof.auth._token_answer import refused_token
from careof.errors import AuthenticationError, CareofError

# A token that came for a rejected one and is rejected as well is not the
# problem.  Asking again at once would cost two requests a lookup for ever.
REJECTION_PAUSE = 5.0  # seconds

_FLIGHTS = Flights("tokens", limit=1024, patience=60.0)
# The tokens whose requests are being made here: one that goes through its own
# strategy would call itself for ever.
_asking: ContextVar[frozenset[str]] = ContextVar("careof.asking", default=frozenset())


class Strategy(Protocol):
    """
    What a lease asks of the strategy that it works for.
    """

    lifetime: float | None
    leeway: float
    cache: TokenCache | None
    clock: Clock
    careof_fingerprint: Fingerprint | None

    def token_request(self) -> httpx.Request: ...

    def read_token(self, response: httpx.Response) -> AccessToken: ...

    def identity(self) -> tuple[object, ...]: ...


class Lease:
    """
    One request's claim on a token.

    Attributes:
        call: The call that needs the token.
    """

    __slots__ = ("_cache", "_fetched", "_key", "_strategy", "call")

    def __init__(self, strategy: Strategy, request: httpx.Request) -> None:
        self._strategy = strategy
        # Not `or`: an empty cache that has a length is false.
        self._cache: TokenCache = PROCESS_CACHE if strategy.cache is None else strategy.cache
        self.call: Call = call_of(request) or _foreign_call()
        self._key = self._key_now()
        self._fetched = False

    def cached(self) -> AccessToken | None:
        """
        The token at hand, or None.  Sends for the next one when its end is near.
        """
        token = self._cache.get(self._key)
        if token is None or not held(token).is_alive(self._strategy.clock):
            return None
        if held(token).wants_refresh(self._strategy.clock):
            self.flight()
        self._note(token, "from the cache")
        return token

    def flight(self) -> Future[Any]:
        """
        The token request under way, begun now if there is none.
        """
        return self._join(replaces_rejected=False)

    def landed(self, flight: Future[Any]) -> AccessToken | CareofError:
        """
        What *flight* brought, or that it did not come in time.
        """
        outcome: AccessToken | CareofError = result_of(flight, "token")
        if isinstance(outcome, CareofError):
            return outcome
        self._fetched = True
        self._note(outcome, "fetched")
        return outcome

    def discard(self, token: AccessToken) -> bool:
        """
        Drop *token*, just rejected; whether it should be replaced.

        It stays, and is not replaced, if it was fetched for this very request,
        or a moment ago in place of one that was rejected as well.
        """
        if self._fetched:
            return False
        known = held(token)
        if known.replaces_rejected and known.age(self._strategy.clock) < REJECTION_PAUSE:
            return False
        self._cache.delete_if(self._key, token)
        return True

    def replacement(self) -> Future[Any]:
        """
        The flight for a token in place of a rejected one.
        """
        # An answer was waited for since: the secret may be another one by now.
        self._key = self._key_now()
        return self._join(replaces_rejected=True)

    def _key_now(self) -> str:
        # The class itself, not its name: a class made in a function has the
        # name of its sisters and may ask elsewhere.
        identity = (
            number_of(type(self._strategy)),
            self._strategy.identity(),
            self.call.network.identity,
        )
        known = self._strategy.careof_fingerprint
        if known is None or not known.is_of(identity):
            known = Fingerprint(identity)
            # Past a __setattr__ of its own, as that of a frozen dataclass.
            object.__setattr__(self._strategy, "careof_fingerprint", known)
        return known.key

    def _join(self, *, replaces_rejected: bool) -> Future[Any]:
        fetch = functools.partial(
            self._fetch,
            self._key,
            self.call.network.blocking(),
            _request_of(self._strategy, self._key),
            replaces_rejected=replaces_rejected,
        )
        # The flight holds the cache, so no other can have its id meanwhile.
        return _FLIGHTS.join((id(self._cache), self._key), fetch)

    def _fetch(
        self,
        key: str,
        network: Network,
        request: httpx.Request | CareofError,
        *,
        replaces_rejected: bool,
    ) -> AccessToken | CareofError:
        strategy = self._strategy
        clock = strategy.clock
        token = self._cache.get(key)
        known = None if token is None else held(token)
        if known is not None and known.is_alive(clock) and not known.wants_refresh(clock):
            return known  # another flight landed a moment ago
        outcome = _ask(network, strategy, request, replaces_rejected=replaces_rejected)
        if not isinstance(outcome, CareofError):
            self._cache.set(key, outcome)
        elif known is not None:
            known.postpone_refresh(clock, outcome.retry_after)
        return outcome

    def _note(self, token: AccessToken, remark: str) -> None:
        if not self.call.is_watched:
            return
        self.call.passed("token", remark)
        known = held(token)
        left = f"{known.seconds_left(self._strategy.clock):.0f} s left"
        origin = "" if known.is_stated else " (the answer states no lifetime)"
        self.call.passed("token lifetime", left + origin, timed=False)


def _request_of(strategy: Strategy, key: str) -> httpx.Request | CareofError:
    if key in _asking.get():
        return AuthenticationError(
            "The token request wants the token that it asks for.", detail="strategy", step="token"
        )
    before = _asking.set(_asking.get() | {key})
    try:
        return strategy.token_request()
    except Exception as error:
        return strategy_failure(error)
    finally:
        _asking.reset(before)


def _ask(
    network: Network,
    strategy: Strategy,
    request: httpx.Request | CareofError,
    *,
    replaces_rejected: bool,
) -> HeldToken | CareofError:
    if isinstance(request, CareofError):
        return request
    clock = strategy.clock
    try:
        request = network.call(network.limits.attempt).carried_by(request)
        asked_for = clock.time(), clock.monotonic()
        response = network.send(request)
        if isinstance(response, CareofError):
            return response
        failure = refused_token(response)
        if failure is not None:
            return failure
        return begin(
            strategy.read_token(response),
            asked_for=asked_for,
            configured=strategy.lifetime,
            leeway=strategy.leeway,
            replaces_rejected=replaces_rejected,
        )
    except Exception as error:  # of the strategy's hooks
        return strategy_failure(error)


@functools.cache
def _own_network() -> Network:
    return Network()


def _foreign_call() -> Call:
    network = _own_network()
    return network.call(network.limits.deadline)
