"""
One request's way to a token: from the memory, or from a flight that many share.

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
from typing import Any

import httpx

from careof._network.call import Call, call_of
from careof._network.flights import Flights, result_of
from careof._network.identity_numbers import number_of
from careof._network.limits import Deadline
from careof._network.network import Network
from careof._network.waits import Landed, Steps
from careof._values.secret import read_once
from careof.auth._access_token import AccessToken, HeldToken, held
from careof.auth._cache import PROCESS_CACHE, MemoryTokenCache
from careof.auth._fetch import Fetch, Moved, Strategy, request_of, waits_for_itself
from careof.auth._history import begun_history_of, history_of
from careof.auth._identity import (
    begin_epoch,
    epoch_of,
    key_at,
    key_of_identity,
    remembered,
    shared_key_of,
)
from careof.auth._origins import check_origin
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
ROUNDS = 4  # in which a request is made before a secret that never stands still is taken as it is
GRACE = 1.0  # seconds that a flight may be late before another one takes its place


class Lease:
    """
    One request's claim on a token, and on one more if that is rejected.
    """

    __slots__ = ("_call", "_is_last", "_key", "_memory", "_network", "_strategy", "_where")

    def __init__(self, strategy: Strategy, request: httpx.Request) -> None:
        self._strategy = strategy
        self._call: Call | None = call_of(request)
        self._network: Any = own_network() if self._call is None else self._call.network
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
        self._is_last = False

    def at_hand(self) -> HeldToken | None:
        """
        The token in memory, or None.  Sends for the next one when its end is near.
        """
        found = self._memory.get(self._key)
        if found is None:
            return None
        token, clock = held(found), self._strategy.clock
        if not token.is_young(clock):
            if not token.is_alive(clock):
                return None
            self._refresh()
        self._note(token, "from the cache")
        return token

    def fetched(self) -> Steps[AccessToken | CareofError]:
        """
        The token that the flight under way brings; one is begun if there is none.
        """
        return (yield from self._landed(self._joined()))

    def another(self, rejected: AccessToken) -> Steps[AccessToken | CareofError | None]:
        """
        A token in place of *rejected*; None if that one is to be believed.

        It is if it was fetched for this very request, or if what came in place
        of the last one was rejected as well.
        """
        clock = self._strategy.clock
        if self._is_last:
            begun_history_of(self._place).is_rejected(clock)
            held(rejected).put_on_trial()
            return None
        # An answer was waited for since: the secret may be another one by now.
        self._key = self._key_now()
        found = self._memory.get(self._key)
        if found is not None and not found.is_same(rejected) and held(found).is_alive(clock):
            # This answer was late: the token was replaced meanwhile.
            self._is_last = True
            return found
        flight: Future[Any] | CareofError | None
        flight = waits_for_itself(self._key) or self._under_way()
        if flight is None:
            history = history_of(self._place)
            is_test = self._call is not None and self._call.is_test
            if not (history is None or is_test or history.may_replace(clock)):
                return None
            self._memory.delete_if(self._key, rejected)
            flight = self._joined(rejected)
        outcome = yield from self._landed(flight, rejected)
        if not isinstance(outcome, CareofError) and outcome.is_same(rejected):
            return None  # the endpoint has no other one to give
        return outcome

    def accepted(self, token: AccessToken, response: httpx.Response) -> None:
        """
        Note that the endpoint took *token*, if its *response* says so.
        """
        if token.is_on_trial and response.status_code < 500:
            held(token).put_on_trial(ends=True)
            begun_history_of(self._place).accepted()

    def rejection(self, response: httpx.Response) -> AuthenticationError | None:
        """
        The error for a rejection that no other token mends; None in a foreign
        client, whose caller gets the answer.
        """
        if self._call is None:
            return None
        return AuthenticationError(
            "The endpoint rejects the token that its token endpoint issued "
            f"({response.status_code}). Check audience and scope, header and prefix, and what "
            "the client may read there.",
            detail="token_rejected",
            step="status",
            status=response.status_code,
        )

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

    def _refresh(self) -> None:
        history = history_of(self._place)
        if history is None or not history.leaves_alone(self._strategy.clock):
            self._joined()

    def _joined(self, rejected: AccessToken | None = None) -> Future[Any] | CareofError:
        """
        The flight under way, begun now if there is none, or why there can be none.
        """
        network: Network = self._network.blocking()
        for _ in range(ROUNDS):
            # The request must be that of its key: what another secret brings is
            # not to be found under this one.
            with read_once():
                self._key = self._key_now()
                known = waits_for_itself(self._key) or self._under_way() or self._refused()
                if known is not None:
                    return known
                request = request_of(self._strategy, self._key)
                shared = self._shared(network)
                if self._key == self._key_now():
                    break
        return self._begun(request, rejected, network, shared)

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

    def _landed(
        self, flight: Future[Any] | CareofError, rejected: AccessToken | None = None
    ) -> Steps[AccessToken | CareofError]:
        deadline = self._deadline()
        while not isinstance(flight, CareofError):
            yield Landed(flight, deadline.within(self._patience()))
            if not flight.done() and deadline.left():
                # Given up by now: it may wait for a loop that has stopped for ever.
                self._key = self._key_now()
                flight = self._joined(rejected)
                continue
            outcome: AccessToken | CareofError | Moved = result_of(flight, "token")
            if isinstance(outcome, CareofError):
                return outcome
            if not isinstance(outcome, Moved):
                # One that another process fetched, a while ago, may be revoked.
                self._is_last = rejected is not None or not held(outcome).is_borrowed
                self._note(outcome, "fetched")
                return outcome
            self._key = self._key_now()
            found = self.at_hand()
            if found is not None:
                return found
            flight = self._joined()
        return flight

    def _deadline(self) -> Deadline:
        if self._call is not None:
            return self._call.deadline
        return Deadline(self._network.clock, self._network.limits.deadline)

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
    def _loop(_cache: AnyCache) -> Any:
        return None

    def _now(self) -> tuple[str, str, str]:
        base = remembered(self._strategy).key
        return base, epoch_of(base), self._place

    def _rotated(
        self, base: str, since: str, place: str, identity: tuple[object, ...]
    ) -> tuple[str, str]:
        # Whoever comes with the new identity waits for this flight as well: two
        # requests with one refresh token would end all of its family.
        successor = key_of_identity(self._strategy, identity)
        key = key_at(successor, self._where)
        if epoch_of(base) != since:  # it was invalidated meanwhile
            begin_epoch(successor)
        new_place = self._place_of(key_at(successor, self._where))
        _FLIGHTS.share(place, new_place)
        return key, new_place

    def _note(self, token: AccessToken, remark: str) -> None:
        call = self._call
        if call is None or not call.is_watched:
            return
        call.passed("token", remark)
        known = held(token)
        left = f"{known.seconds_left(self._strategy.clock):.0f} s left"
        origin = "" if known.is_stated else " (the answer states no lifetime)"
        call.passed("token lifetime", left + origin, timed=False)


class AsyncLease(Lease):
    """
    The claim of a request whose caller is a task.
    """

    __slots__ = ()

    @staticmethod
    def _check(cache: AnyCache) -> None:
        pass

    @staticmethod
    def _loop(cache: AnyCache) -> Any:
        if not is_async(cache):
            return None
        from anyio.lowlevel import current_token

        return current_token()


def at_hand(strategy: Strategy, request: httpx.Request, kind: type[Lease]) -> HeldToken | None:
    """
    The token in memory, or None; as ``Lease.at_hand``, which it is for when there
    is more to do, in a third of the time.

    Raises:
        DestinationRefusedError: A foreign client goes where the strategy is not bound to.
    """
    call = call_of(request)
    network: Any
    if call is None:
        check_origin(strategy, request)
        network = own_network()
    else:
        network = call.network
    memory = PROCESS_CACHE if strategy.cache is None else strategy.cache
    if (call is None or not call.is_watched) and isinstance(memory, MemoryTokenCache):
        token = memory.get(remembered(strategy).key_at(network.place))
        if token is None or (type(token) is HeldToken and token.is_young(strategy.clock)):
            return token
    return kind(strategy, request).at_hand()


@functools.cache
def own_network() -> Network:
    """
    What tokens are fetched through for a foreign client.
    """
    return Network()
