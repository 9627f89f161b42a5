"""
One request's way to a token: from the cache, or from a flight that many share.

Theory of operation: the token request is not part of the auth flow.  It flies
in a thread of its own, through the resolver's guarded network, once per key
for all threads, tasks and event loops.  Nobody who waits for it can take it
down, no loop can be frozen by it, and code on a loop's own thread may wait.
Near its end a token goes on being used while the first to notice sends a
flight for the next one and waits no more than the others.
"""

from __future__ import annotations

import copy
import functools
from concurrent.futures import Future
from typing import Any, Protocol

import httpx

from careof._network.call import Call, call_of
from careof._network.failures import strategy_failure
from careof._network.flights import Flights
from careof._network.network import Network
from careof._network.numbers import number_of
from careof._values.clock import Clock
from careof.auth._access_token import AccessToken
from careof.auth._cache import TokenCache, fingerprint, process_cache
from careof.auth._token_answer import refused_token
from careof.errors import CareofError, DeadlineError

# A token that came for a rejected one and is rejected as well is not the
# problem.  Asking again at once would cost two requests a lookup for ever.
REJECTION_PAUSE = 5.0  # seconds

_FLIGHTS = Flights("tokens", limit=1024, patience=60.0)


class Strategy(Protocol):
    """
    What a lease asks of the strategy that it works for.
    """

    lifetime: float | None
    leeway: float
    cache: TokenCache | None
    clock: Clock

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
        self._cache: TokenCache = process_cache() if strategy.cache is None else strategy.cache
        self.call: Call = call_of(request) or _foreign_call()
        # The class itself, not its name: a class made in a function has the
        # name of its sisters and may ask elsewhere.
        self._key = fingerprint(
            number_of(type(strategy)), strategy.identity(), self.call.network.identity
        )
        self._fetched = False

    def cached(self) -> AccessToken | None:
        """
        The token at hand, or None.  Sends for the next one when its end is near.
        """
        token = self._cache.get(self._key)
        if token is None or not token.is_alive(self._strategy.clock):
            return None
        if token.wants_refresh(self._strategy.clock):
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
        if not flight.done():
            return DeadlineError(
                "The token endpoint did not answer in time.", detail="deadline", step="token"
            )
        outcome: AccessToken | CareofError = flight.result()
        if isinstance(outcome, CareofError):
            # Each who waited raises an error of its own: a traceback belongs
            # to one thread.
            failure = copy.copy(outcome)
            failure.step = "token"
            return failure
        self._fetched = True
        self._note(outcome, "fetched")
        return outcome

    def gives_up(self, token: AccessToken) -> bool:
        """
        Whether *token*, just rejected, should be replaced; then it is dropped.
        """
        if self._fetched or (
            token.replaces_rejected and token.age(self._strategy.clock) < REJECTION_PAUSE
        ):
            return False
        self._cache.delete_if(self._key, token)
        return True

    def replacement(self) -> Future[Any]:
        """
        The flight for a token in place of a rejected one.
        """
        return self._join(replaces_rejected=True)

    def _join(self, *, replaces_rejected: bool) -> Future[Any]:
        network: Network = self.call.network.blocking()
        # The flight holds the cache, so no other can have its id meanwhile.
        return _FLIGHTS.join(
            (id(self._cache), self._key),
            lambda: self._fetch(network, replaces_rejected=replaces_rejected),
        )

    def _fetch(self, network: Network, *, replaces_rejected: bool) -> AccessToken | CareofError:
        strategy = self._strategy
        clock = strategy.clock
        token = self._cache.get(self._key)
        if token is not None and token.is_alive(clock) and not token.wants_refresh(clock):
            return token  # another flight landed a moment ago
        outcome = _ask(network, strategy)
        if isinstance(outcome, CareofError):
            if token is not None:
                token.postpone_refresh(clock, outcome.retry_after)
            return outcome
        outcome.replaces_rejected = replaces_rejected
        self._cache.set(self._key, outcome)
        return outcome

    def _note(self, token: AccessToken, remark: str) -> None:
        self.call.passed("token", remark)
        left = token.seconds_left(self._strategy.clock)
        self.call.passed("token lifetime", f"{left:.0f} s left", timed=False)


def _ask(network: Network, strategy: Strategy) -> AccessToken | CareofError:
    clock = strategy.clock
    try:
        request = network.call(network.limits.attempt).carried_by(strategy.token_request())
        asked_for = clock.time(), clock.monotonic()
        response = network.send(request)
        if isinstance(response, CareofError):
            return response
        failure = refused_token(response)
        if failure is not None:
            return failure
        token = strategy.read_token(response)
        token.begins(asked_for=asked_for, configured=strategy.lifetime, leeway=strategy.leeway)
    except Exception as error:  # of the strategy's hooks
        return strategy_failure(error)
    return token


@functools.cache
def _own_network() -> Network:
    return Network()


def _foreign_call() -> Call:
    network = _own_network()
    return network.call(network.limits.deadline)
