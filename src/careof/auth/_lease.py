"""
One request's way to a token: from the memory, or from a flight that many share.

Theory of operation: the token request is not part of the auth flow.  It flies
in a thread of its own, through the resolver's guarded network, once per key
for all threads, tasks and event loops.  Nobody who waits for it can take it
down, no loop can be frozen by it, and code on a loop's own thread may wait.
Near its end a token goes on being used while the first to notice sends a
flight for the next one and waits no more than the others.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any

import httpx

from careof._network.call import call_of
from careof._network.flights import result_of
from careof._network.limits import Deadline
from careof._network.loops import RunningLoop
from careof._network.waits import Landed, Steps
from careof.auth._access_token import AccessToken, HeldToken, held
from careof.auth._cache import PROCESS_CACHE, MemoryTokenCache
from careof.auth._claim import ROUNDS, Claim, network_of, unsteady
from careof.auth._fetch import Moved, Strategy, waits_for_itself
from careof.auth._history import begun_history_of, history_of
from careof.auth._identity import remembered
from careof.auth._origins import check_origin
from careof.auth._sharing import AnyCache, is_async
from careof.errors import AuthenticationError, CareofError


class Lease(Claim):
    """
    One request's claim on a token, and on one more if that is rejected.
    """

    __slots__ = ("_is_last",)

    def __init__(self, strategy: Strategy, request: httpx.Request) -> None:
        super().__init__(strategy, request)
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

    def _refresh(self) -> None:
        history = history_of(self._place)
        if history is None or not history.leaves_alone(self._strategy.clock):
            self._joined()

    def _landed(
        self, flight: Future[Any] | CareofError, rejected: AccessToken | None = None
    ) -> Steps[AccessToken | CareofError]:
        deadline = self._deadline()
        moves = 0
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
            moves += 1
            if moves == ROUNDS:  # each may have cost a refresh token
                return unsteady()
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
    def _loop(cache: AnyCache) -> RunningLoop | None:
        return RunningLoop() if is_async(cache) else None


def at_hand(strategy: Strategy, request: httpx.Request, kind: type[Lease]) -> HeldToken | None:
    """
    The token in memory, or None; as ``Lease.at_hand``, which it is for when there
    is more to do, in a third of the time.

    Raises:
        DestinationRefusedError: A foreign client goes where the strategy is not bound to.
    """
    call = call_of(request)
    if call is None:
        check_origin(strategy, request)
    memory = PROCESS_CACHE if strategy.cache is None else strategy.cache
    if (call is None or not call.is_watched) and isinstance(memory, MemoryTokenCache):
        token = memory.get(remembered(strategy).key_at(network_of(call).place))
        if token is None or (type(token) is HeldToken and token.is_young(strategy.clock)):
            return token
    return kind(strategy, request).at_hand()
